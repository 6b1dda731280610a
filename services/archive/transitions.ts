/** The status changes of archive and restore, each with its activity in one transaction. */
import type { Db } from '../../db/client.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import { updateWorkspace, type WorkspacePatch } from '../../db/execution-workspaces.ts'
import type { JsonObject } from '../../db/tables.ts'
import type { WorkspaceStatus } from '../../openapi/schemas/workspace.ts'
import type { Actor } from '../access/actor.ts'
import { NotFound, WorkspaceStateConflict, WorktreeTaken } from '../errors.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'

export interface Transition {
  db: Db
  row: WorkspaceRow
  actor: Actor
  now: Date
  /** What the row must be in; anything else is a conflict. */
  from: readonly WorkspaceStatus[]
  patch: WorkspacePatch
  action: 'updated' | 'archived' | 'restored' | 'cleanup_failed'
  details?: JsonObject
}

/**
 * Changes the row and writes its activity.
 * @throws WorkspaceStateConflict (409) when it is in another status by now, WorktreeTaken (409) when another
 *   live workspace has its folder, NotFound (404) when it is gone
 */
export async function changeStatus ({ db, row, actor, now, from, patch, action, details }: Transition): Promise<WorkspaceRow> {
  try {
    return await db.transaction().execute(async trx => {
      const changed = await updateWorkspace(trx, row.id, patch, now, { statuses: from })
      if (changed === undefined) {
        const current = await trx.selectFrom('execution_workspaces').select('status').where('id', '=', row.id).executeTakeFirst()
        if (current === undefined) throw new NotFound('There is nothing with this id, or you may not see it.')
        throw new WorkspaceStateConflict(`The workspace is ${current.status} by now.`)
      }
      await recordWorkspaceActivity(trx, row, {
        actor,
        action,
        details: { changed: Object.keys(patch).filter(key => key !== 'rescue').map(camelCase), status: changed.status, ...details }
      })
      return changed
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'execution_workspaces_one_per_worktree')) throw error
    throw new WorktreeTaken(`Another workspace has ${row.realized_path ?? 'the folder'} by now.`, { cause: error })
  }
}

function camelCase (column: string): string {
  return column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}
