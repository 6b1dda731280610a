/** Checks a runtime config as it was written: shape first, then what fits together, each problem with its place. */
import { Ajv } from 'ajv'
import { RuntimeConfig, type CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import { InvalidRuntimeConfig, type InvalidPlace } from '../errors.ts'
import { listEntries } from './commands.ts'
import { dependencyProblems } from './dependencies.ts'
import { serviceProblems } from './entry-problems.ts'
import { shapeProblems } from './shape-problems.ts'
import { templateProblems } from './template-problems.ts'

const validateShape = new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true, strictTypes: false }).compile(RuntimeConfig)

/**
 * Everything wrong with a runtime config, each place as a JSON pointer that begins with `pointerPrefix`
 * (for example `/config/workspaceRuntime`). Empty for a good config and for null (no config).
 */
export function runtimeConfigProblems (raw: unknown, pointerPrefix: string): InvalidPlace[] {
  if (raw === null || raw === undefined) return []
  if (!validateShape(raw)) return shapeProblems(validateShape.errors ?? [], pointerPrefix)
  const config = raw as RuntimeConfig
  const entries = listEntries(config, 'execution_workspace')
  return [
    ...everyService(config).flatMap(([pointer, entry]) => serviceProblems(entry, pointerPrefix + pointer)),
    ...dependencyProblems(entries, pointerPrefix),
    ...templateProblems(entries, pointerPrefix)
  ]
}

/**
 * Refuses a config that can't work; null and undefined (no config) pass.
 * @throws InvalidRuntimeConfig (422) whose `errors` name each place below `pointerPrefix`
 */
export function checkRuntimeConfig (raw: unknown, pointerPrefix = ''): void {
  const errors = runtimeConfigProblems(raw, pointerPrefix)
  if (errors.length === 0) return
  const [first] = errors
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  throw new InvalidRuntimeConfig(`The runtime config is not valid: ${first?.pointer ?? ''} ${first?.message ?? ''}${rest}.`, { members: { errors } })
}

/**
 * The config as its type, once it is known to be right.
 * @throws InvalidRuntimeConfig (422) with pointers
 */
export function parseRuntimeConfig (raw: unknown, pointerPrefix = ''): RuntimeConfig {
  checkRuntimeConfig(raw, pointerPrefix)
  return (raw ?? {}) as RuntimeConfig
}

/** Also the entries of lists that `commands` puts out of use: they are stored, so they must be right. */
function everyService ({ commands = [], services = [] }: RuntimeConfig): [string, CommandEntry][] {
  const pairs = (key: string, entries: CommandEntry[]) => entries.map((entry, index): [string, CommandEntry] => [`/${key}/${index}`, entry])
  return [...pairs('commands', commands).filter(([, { kind }]) => kind !== 'job'), ...pairs('services', services)]
}
