/** Checks a runtime config as it was written: shape first, then dependencies, readiness and ports, each problem with its place. */
import { Ajv, type ErrorObject } from 'ajv'
import { RuntimeConfig, type CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import { InvalidRuntimeConfig, type InvalidPlace } from '../errors.ts'
import { listEntries } from './commands.ts'
import { dependencyProblems } from './dependencies.ts'
import { templateProblems } from './template-problems.ts'

const validateShape = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictTypes: false }).compile(RuntimeConfig)

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
    ...everyEntry(config).flatMap(([pointer, entry]) => entryProblems(entry, pointerPrefix + pointer)),
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
function everyEntry (config: RuntimeConfig): [string, CommandEntry][] {
  return (['commands', 'services', 'jobs'] as const)
    .flatMap(key => (config[key] ?? []).map((entry, index): [string, CommandEntry] => [`/${key}/${index}`, entry]))
}

function entryProblems (entry: CommandEntry, pointer: string): InvalidPlace[] {
  return [...portProblems(entry, pointer), ...readinessProblems(entry, pointer)]
}

function portProblems ({ port }: CommandEntry, pointer: string): InvalidPlace[] {
  if (typeof port !== 'object' || port === null) return []
  if (port.type === 'fixed' && port.value === undefined) return [{ pointer: `${pointer}/port/value`, message: 'is needed for a fixed port' }]
  if (port.type === 'auto' && port.value !== undefined) return [{ pointer: `${pointer}/port/value`, message: 'does not go with type auto' }]
  if (port.type === undefined && port.value === undefined) return [{ pointer: `${pointer}/port`, message: 'needs a value, or type auto' }]
  return []
}

function readinessProblems ({ readiness, port, expose }: CommandEntry, pointer: string): InvalidPlace[] {
  if (readiness === undefined) return []
  const at = `${pointer}/readiness`
  const hasPort = port !== undefined && port !== null
  switch (readiness.type) {
    case 'http': {
      const url = readiness.urlTemplate ?? readiness.url ?? expose?.urlTemplate
      return url === undefined && !hasPort ? [{ pointer: `${at}/urlTemplate`, message: 'is needed where the command has no port' }] : []
    }
    case 'tcp': return hasPort ? [] : [{ pointer: `${at}/type`, message: 'is tcp, but the command has no port' }]
    case 'command': return readiness.command === undefined ? [{ pointer: `${at}/command`, message: 'is needed for readiness of type command' }] : []
    case 'log': return patternProblems(readiness.pattern, `${at}/pattern`)
  }
}

function patternProblems (pattern: string | undefined, pointer: string): InvalidPlace[] {
  if (pattern === undefined) return [{ pointer, message: 'is needed for readiness of type log' }]
  try {
    RegExp(pattern)
    return []
  } catch (error) {
    return [{ pointer, message: error instanceof Error ? error.message : 'is no regular expression' }]
  }
}

/** One problem for each place: the branches of an `anyOf` are folded into its own error. */
function shapeProblems (errors: readonly ErrorObject[], pointerPrefix: string): InvalidPlace[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath)
  const places = new Map<string, string>()
  for (const error of errors) {
    if (error.keyword === 'propertyNames') continue
    const pointer = placeOf(error)
    const choice = choices.find(path => pointer === path || pointer.startsWith(`${path}/`))
    if (choice !== undefined) places.set(choice, 'must be a port number (1 to 65535), {value} or {type: "auto", envKey}')
    else if (!places.has(pointer)) places.set(pointer, messageOf(error))
  }
  return [...places].map(([pointer, message]) => ({ pointer: pointerPrefix + pointer, message }))
}

function placeOf ({ instancePath, keyword, params, propertyName }: ErrorObject): string {
  if (keyword === 'required') return `${instancePath}/${escapePointer(String(params['missingProperty']))}`
  if (propertyName !== undefined) return `${instancePath}/${escapePointer(propertyName)}`
  return instancePath
}

function messageOf ({ keyword, params, message = 'is not valid', propertyName }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`
  if (keyword === 'type') return `must be ${[params['type']].flat().join(' or ')}`
  if (keyword === 'required') return 'is needed'
  return propertyName === undefined ? message : `is no usable name: ${message}`
}

function escapePointer (segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}
