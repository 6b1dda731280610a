/** What can't work in a single service of a runtime config although each field has its shape: ports, readiness, health. Pure. */
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import type { InvalidPlace } from '../errors.ts'
import { withStandIns } from '../process/template.ts'

/** Each problem of a service with its place below `pointer`. A job has no port, readiness or health: there they say nothing. */
export function serviceProblems (entry: CommandEntry, pointer: string): InvalidPlace[] {
  return [...portProblems(entry, pointer), ...readinessProblems(entry, pointer), ...healthProblems(entry, pointer)]
}

function portProblems ({ port }: CommandEntry, pointer: string): InvalidPlace[] {
  if (typeof port !== 'object' || port === null) return []
  if (port.type === 'fixed' && port.value === undefined) return [{ pointer: `${pointer}/port/value`, message: 'is needed for a fixed port' }]
  if (port.type === 'auto' && port.value !== undefined) return [{ pointer: `${pointer}/port/value`, message: 'does not go with type auto' }]
  if (port.type === undefined && port.value === undefined) return [{ pointer: `${pointer}/port`, message: 'needs a value, or type auto' }]
  return []
}

function readinessProblems (entry: CommandEntry, pointer: string): InvalidPlace[] {
  const { readiness } = entry
  if (readiness === undefined) return []
  const at = `${pointer}/readiness`
  switch (readiness.type) {
    case 'http': return urlProblems(entry, pointer)
    case 'tcp': return hasPort(entry) ? [] : [{ pointer: `${at}/type`, message: 'is tcp, but the command has no port' }]
    case 'command': return readiness.command === undefined ? [{ pointer: `${at}/command`, message: 'is needed for readiness of type command' }] : []
    case 'log': return patternProblems(readiness.pattern, `${at}/pattern`)
  }
}

function hasPort ({ port }: CommandEntry): boolean {
  return port !== undefined && port !== null
}

/** The URL that is asked, in the order in which a start takes it. */
function urlProblems (entry: CommandEntry, pointer: string): InvalidPlace[] {
  const written: [string, string | undefined][] = [
    ['/readiness/urlTemplate', entry.readiness?.urlTemplate],
    ['/readiness/url', entry.readiness?.url],
    ['/expose/urlTemplate', entry.expose?.urlTemplate]
  ]
  const [place, template] = written.find(([, text]) => text !== undefined) ?? []
  if (place === undefined || template === undefined) {
    return hasPort(entry) ? [] : [{ pointer: `${pointer}/readiness/urlTemplate`, message: 'is needed where the command has no port' }]
  }
  return mayBeHttpUrl(template) ? [] : [{ pointer: pointer + place, message: 'is asked for readiness, but is no http or https URL' }]
}

/** A template that begins with a value may become anything; the others must already look like a URL. */
function mayBeHttpUrl (template: string): boolean {
  if (template.trimStart().startsWith('{{')) return true
  const url = withStandIns(template)
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)
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

/** A line in the log is found once; it can't say later whether the service is still well. */
function healthProblems ({ health, readiness }: CommandEntry, pointer: string): InvalidPlace[] {
  if (health === undefined) return []
  const repeats = readiness !== undefined && readiness.type !== 'log'
  return repeats ? [] : [{ pointer: `${pointer}/health`, message: 'has nothing to ask: it goes on with a readiness of type http, tcp or command' }]
}
