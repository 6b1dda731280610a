/** Looks through the templates of a runtime config for names that could never have a value. Pure. */
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import type { InvalidPlace } from '../errors.ts'
import { namedAddresses, namesPort, unknownNames } from '../process/template.ts'
import { servicesOf, type WorkspaceCommand } from './commands.ts'

/** Every template of an entry with its place below the entry. */
export function templatesOf ({ command, cwd, env = {}, expose, readiness }: CommandEntry): [string, string][] {
  const all: [string, unknown][] = [
    ['/command', command],
    ['/cwd', cwd],
    ...Object.entries(env).map(([name, value]): [string, unknown] => [`/env/${name}`, value]),
    ['/expose/urlTemplate', expose?.urlTemplate],
    ['/readiness/urlTemplate', readiness?.urlTemplate],
    ['/readiness/url', readiness?.url],
    ['/readiness/command', readiness?.command]
  ]
  return all.flatMap(([place, template]) => typeof template === 'string' ? [[place, template] as [string, string]] : [])
}

/** Names that mean nothing, or that can't have a value in this config, each with its place below `pointerPrefix`. */
export function templateProblems (commands: readonly WorkspaceCommand[], pointerPrefix: string): InvalidPlace[] {
  return commands.flatMap(command => usedTemplates(command).flatMap(([place, template]) => {
    const { key, index } = command.definition.source
    const [message] = [
      ...unknownNames(template).map(name => `names {{${name}}}, which is not known; a plain {{ is written \\{{`),
      ...place === '/cwd' ? folderProblems(template) : valueProblems(commands, command, template)
    ]
    return message === undefined ? [] : [{ pointer: `${pointerPrefix}/${key}/${index}${place}`, message }]
  }))
}

/** A job is neither reached nor probed, so what it says of that is never rendered. */
function usedTemplates ({ definition: { kind }, entry }: WorkspaceCommand): [string, string][] {
  return templatesOf(entry).filter(([place]) => kind === 'service' || !/^\/(?:expose|readiness)\//.test(place))
}

/** Where a service runs is part of who it is, so it is decided before there are ports. */
function folderProblems (template: string): string[] {
  const names = [...namesPort(template) ? ['port'] : [], ...namedAddresses(template).map(({ service, part }) => `services.${service}.${part}`)]
  return names.map(name => `names {{${name}}}, which is not known yet when the folder is chosen`)
}

function valueProblems (commands: readonly WorkspaceCommand[], command: WorkspaceCommand, template: string): string[] {
  const own = namesPort(template) && !hasPort(command) ? ['names {{port}}, but the command has no port'] : []
  return [...own, ...namedAddresses(template).flatMap(named => addressProblem(commands, named) ?? [])]
}

function hasPort ({ definition: { kind }, entry: { port } }: WorkspaceCommand): boolean {
  return kind === 'service' && port !== undefined && port !== null
}

function addressProblem (commands: readonly WorkspaceCommand[], { service, part }: { service: string, part: 'port' | 'url' }): string | null {
  const named = servicesOf(commands).find(({ definition }) => definition.name === service)
  if (named === undefined) return `names the service ${service}, which is not configured`
  const { lifecycle, port, expose, readiness } = named.entry
  const isFixed = typeof port === 'number' || port?.value !== undefined
  // Each start of an ephemeral service is another one: none of them is the one that is meant.
  if (lifecycle === 'ephemeral' && !isFixed) return `names the ${part} of ${service}, which is ephemeral: it is another one at each start`
  const has = hasPort(named) || (part === 'url' && (expose?.urlTemplate ?? readiness?.urlTemplate ?? readiness?.url) !== undefined)
  return has ? null : `names the ${part} of ${service}, which has none`
}
