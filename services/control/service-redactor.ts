/** Which secrets a service's output may hold: those of this process, and those its workspace's runtime config gives to commands. */
import type { Db } from '../../db/client.ts'
import { isProblem } from '../errors.ts'
import type { Redactor } from '../operations/redact.ts'
import type { WorkspaceCommand } from '../runtime/commands.ts'
import { homeOf, loadPlace, withCommands, type FoundPlace, type ServiceHome } from './runtime-place.ts'

/**
 * The redactor for the log of a service. The kernel writes it as it comes, and it is masked in the file only once the
 * service has ended; until then when it is read, also by the values it was started with, whatever the config says since.
 */
export async function serviceRedactor (db: Db, redactor: Redactor, home: ServiceHome): Promise<Redactor> {
  const target = homeOf(home)
  const place = target === null ? null : await loadPlace(db, target)
  return place === null ? redactor : commandsOf(place).reduce((known, { entry }) => known.with(textsOf(entry.env ?? {})), redactor)
}

function commandsOf (place: FoundPlace): WorkspaceCommand[] {
  try {
    return withCommands(place).commands
  } catch (error) {
    // A config that was made invalid since gives no environment to any command.
    if (isProblem(error)) return []
    throw error
  }
}

function textsOf (env: Record<string, string | number | boolean>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]))
}
