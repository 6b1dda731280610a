/** Writes how making a workspace ended: active and linked, or failed with the reason. */
import type { Db } from '../../db/client.ts'
import { updateWorkspace, type WorkspacePatch } from '../../db/execution-workspaces.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import { WorkspaceStateConflict } from '../errors.ts'
import type { WorkspaceRow } from './shape.ts'

/** Links the source issue to its workspace, in the transaction that makes the workspace usable and records both. */
export async function linkSourceIssue (trx: Db, row: Pick<WorkspaceRow, 'id' | 'company_id' | 'source_issue_id'>, now: Date): Promise<void> {
  if (row.source_issue_id === null) return
  await trx.updateTable('issues').set({ execution_workspace_id: row.id, updated_at: now })
    .where('company_id', '=', row.company_id).where('id', '=', row.source_issue_id).execute()
}

/**
 * `provisioning` → `active`, the source issue linked, and an activity row.
 * @throws WorkspaceStateConflict (409) when something else has ended the provisioning
 */
export async function activate (db: Db, row: WorkspaceRow, patch: WorkspacePatch, now: Date): Promise<WorkspaceRow> {
  return await db.transaction().execute(async trx => {
    const active = await updateWorkspace(trx, row.id, { ...patch, status: 'active', cleanup_reason: null, last_used_at: now }, now, { statuses: ['provisioning'] })
    if (active === undefined) throw new WorkspaceStateConflict('The workspace is no longer being provisioned.')
    await linkSourceIssue(trx, active, now)
    const linked = active.source_issue_id
    await recordWorkspaceActivity(trx, row, {
      actor: systemActor,
      action: 'updated',
      details: { changed: linked === null ? ['status'] : ['status', 'linkedIssues'], status: 'active', ...(linked === null ? {} : { linkedIssueIds: [linked] }) }
    })
    return active
  })
}

/** `provisioning` → `provision_failed` with the reason, and an activity row. */
export async function markFailed (db: Db, row: WorkspaceRow, patch: WorkspacePatch, reason: string, actor: Actor, now: Date): Promise<void> {
  await db.transaction().execute(async trx => {
    const failed = await updateWorkspace(trx, row.id, { ...patch, status: 'provision_failed', cleanup_reason: reason }, now, { statuses: ['provisioning'] })
    if (failed === undefined) return
    await recordWorkspaceActivity(trx, row, {
      actor,
      action: 'updated',
      details: { changed: ['status'], status: 'provision_failed' }
    })
  })
}
