/** Which live services a workspace lets go of when it is archived. */
import type { Db } from '../../db/client.ts'
import { listLiveOfPlace, type ServiceRow } from '../../db/runtime-services.ts'
import { servicesOwner, type WorkspaceRow } from '../workspaces/shape.ts'

/**
 * Those it has started and those of others that it uses. A shared session that borrows the services of its project
 * workspace leaves those running: they are not its own.
 */
export async function listLeaving (db: Db, row: WorkspaceRow): Promise<ServiceRow[]> {
  const borrows = servicesOwner(row).kind === 'project'
  const live = await listLiveOfPlace(db, { kind: 'execution', id: row.id })
  return live.filter(service => !borrows || service.execution_workspace_id !== null)
}
