/** Which secrets a service's output may hold: those of this process, and those its workspace's runtime config gives to commands. */
import type { Db } from '../../db/client.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import { isProblem } from '../errors.ts'
import type { Redactor } from '../operations/redact.ts'
import type { WorkspaceCommand } from '../runtime/commands.ts'
import { loadPlace, withCommands, type FoundPlace, type RuntimeTarget } from './runtime-place.ts'

type Owner = Pick<ServiceRow, 'project_id' | 'project_workspace_id' | 'execution_workspace_id'>

/** The redactor for the log of a service; the kernel writes such a log, so it is masked when it is read. */
export async function serviceRedactor (db: Db, redactor: Redactor, owner: Owner): Promise<Redactor> {
  const target = targetOf(owner)
  const place = target === null ? null : await loadPlace(db, target)
  return place === null ? redactor : commandsOf(place).reduce((known, { entry }) => known.with(textsOf(entry.env ?? {})), redactor)
}

function targetOf ({ project_id: projectId, project_workspace_id: projectWorkspaceId, execution_workspace_id: id }: Owner): RuntimeTarget | null {
  if (id !== null) return { kind: 'execution', id }
  return projectId === null || projectWorkspaceId === null ? null : { kind: 'project', projectId, id: projectWorkspaceId }
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
