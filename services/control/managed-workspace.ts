/** Finds a workspace for who wants to do something with its files: who may, and where they are. */
import type { Db } from '../../db/client.ts'
import { findWorkspace, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import type { Actor } from '../access/actor.ts'
import { requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { Conflict } from '../errors.ts'

export interface ManagedDeps {
  db: Db
  access: RuntimeAccess
  hostId: string
}

/** @throws NotFound for what the actor may not see, Forbidden (403), Conflict (409) when the files are on another host */
export async function requireManageable ({ db, access, hostId }: ManagedDeps, actor: Actor, id: string): Promise<WorkspaceRow> {
  const row = requireVisible(actor, await findWorkspace(db, id), 'write')
  await access.requireRuntimeManagement(actor, { companyId: row.company_id, executionWorkspaceId: row.id })
  return requireFilesHere(row, hostId)
}

/** @throws Conflict (409) when the files of the workspace are on another host */
export function requireFilesHere (row: WorkspaceRow, hostId: string): WorkspaceRow {
  if (row.host_id !== null && row.host_id !== hostId) throw new Conflict(`The files of this workspace are on another host; ask that one: ${row.host_id}.`)
  return row
}
