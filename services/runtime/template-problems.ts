/** Looks through the templates of a runtime config for names that could never have a value. Pure. */
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import type { InvalidPlace } from '../errors.ts'
import { namedServices, unknownNames } from '../process/template.ts'
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

/** Names that mean nothing, and services that are not configured, each with its place below `pointerPrefix`. */
export function templateProblems (commands: readonly WorkspaceCommand[], pointerPrefix: string): InvalidPlace[] {
  const services = new Set(servicesOf(commands).map(({ definition }) => definition.name))
  return commands.flatMap(({ definition: { source }, entry }) => templatesOf(entry).flatMap(([place, template]) => {
    const pointer = `${pointerPrefix}/${source.key}/${source.index}${place}`
    const unknown = unknownNames(template).map(name => `names {{${name}}}, which is not known; a plain {{ is written \\{{`)
    const missing = namedServices(template).filter(name => !services.has(name)).map(name => `names the service ${name}, which is not configured`)
    return [...unknown, ...missing].slice(0, 1).map(message => ({ pointer, message }))
  }))
}
