/** Changes a workspace: its fields in one transaction with their activity, its status by what that status means. */
import type { Db } from '../../db/client.ts'
import { findWorkspace, updateWorkspace } from '../../db/execution-workspaces.ts'
import { reusableStatuses as restoredStatuses, settableStatuses, type ExecutionWorkspace, type UpdateWorkspaceBody, type WorkspaceStatus } from '../../openapi/schemas/workspace.ts'
import type { Actor } from '../access/actor.ts'
import { forbidAgentWrites } from '../access/agent-writes.ts'
import { absent, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { changedSince, namesVersion } from '../entity-tag.ts'
import { Conflict, StatusNotSettable, WorkspaceStateConflict } from '../errors.ts'
import type { RestoredStatus } from '../archive/restore.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import type { OnBegun } from '../operations/begun.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import { preparePatch, type PatchDeps, type PreparedPatch } from './workspace-patch.ts'

/** Closing and reopening, as the archive does them. */
export interface Archive {
  /** @throws Forbidden (403) for force unless an admin asks, CloseBlocked (409) with `closeReadiness` */
  requireClosable (actor: Actor, id: string, options: { force: boolean }): Promise<void>
  archive (actor: Actor, id: string, options: { force: boolean, onBegun?: OnBegun<Changed> | undefined }): Promise<unknown>
  restore (actor: Actor, id: string, options: { status?: RestoredStatus | undefined, onBegun?: OnBegun<Changed> | undefined }): Promise<unknown>
}

/** What closing and reopening answer on their way. */
interface Changed { workspace: ExecutionWorkspace }

export interface UpdateDeps extends PatchDeps {
  db: Db
  access: RuntimeAccess
  archive: Archive
  /** Of many that change a workspace at once, none has to try again and again. */
  inTurn: OneAtATime
  now: () => Date
}

export interface UpdateOptions {
  /** `If-Match`: the change is for this version only. */
  ifMatch?: string | undefined
  /** Archiving ends live leases and jobs first. */
  force?: boolean | undefined
  /** Told when closing or reopening has begun; other changes take no time. */
  onBegun?: OnBegun<ExecutionWorkspace> | undefined
}

/** What a wanted status asks for, given the present one. */
type Transition = 'none' | 'set' | 'archive' | 'restore'

/** Changes by other hosts, and by other actions, between reading and writing are met by reading again, this often. */
const maxTries = 5

/**
 * Changes a workspace and answers its row.
 * @throws NotFound, Forbidden, ForbiddenForAgents, StatusNotSettable (422), WorkspaceStateConflict, CloseBlocked (409),
 *   PreconditionFailed (412), and what is wrong with a field
 */
export async function updateExistingWorkspace (deps: UpdateDeps, actor: Actor, id: string, body: UpdateWorkspaceBody, options: UpdateOptions = {}): Promise<WorkspaceRow> {
  const row = requireVisible(actor, await findWorkspace(deps.db, id), 'write')
  await deps.access.requireRuntimeManagement(actor, { companyId: row.company_id, executionWorkspaceId: row.id })
  forbidAgentWrites(actor, body, 'execution_workspace')
  const transition = transitionOf(row, body.status)
  if (!namesVersion(options.ifMatch, row.version)) throw changedSince()
  const force = options.force === true
  // The archive looks for itself; only other changes must wait for its answer, since nothing of a request is applied when it is blocked.
  if (transition === 'archive' && Object.keys(body).length > 1) await deps.archive.requireClosable(actor, row.id, { force })
  const changed = await deps.inTurn(row.id, async () => await applyFields(deps, actor, row.id, body, options))
  if (transition === 'none' || transition === 'set') return changed
  const onBegun = workspaceOnly(options.onBegun)
  if (transition === 'archive') await deps.archive.archive(actor, id, { force, onBegun })
  else await deps.archive.restore(actor, id, { status: restoredStatuses.find(status => status === body.status), onBegun })
  return await reread(deps.db, id)
}

/**
 * What has to happen for a status.
 * @throws StatusNotSettable (422) for the system's own, WorkspaceStateConflict (409) while the workspace is not to be touched
 */
export function transitionOf (row: Pick<WorkspaceRow, 'status'>, wanted: WorkspaceStatus | undefined): Transition {
  if (wanted === undefined) return 'none'
  if (!settableStatuses.some(status => status === wanted)) {
    throw new StatusNotSettable(`The status ${wanted} is set by the service itself; ${settableStatuses.join(', ')} can be asked for.`, {
      members: { errors: [{ pointer: '/status', message: 'is set by the service itself' }] }
    })
  }
  if (row.status === wanted) return 'none'
  switch (row.status) {
    case 'provisioning':
    case 'archiving': throw new WorkspaceStateConflict(`The workspace is ${row.status}; wait until that is done.`)
    case 'archived': return 'restore'
    case 'cleanup_failed': return wanted === 'archived' ? 'archive' : 'restore'
    case 'provision_failed':
      if (wanted === 'archived') return 'archive'
      throw new WorkspaceStateConflict('The files of this workspace were never made; archive it and make a new one.')
    default: return wanted === 'archived' ? 'archive' : 'set'
  }
}

async function applyFields (deps: UpdateDeps, actor: Actor, id: string, body: UpdateWorkspaceBody, { ifMatch }: UpdateOptions): Promise<WorkspaceRow> {
  for (let tries = 0; tries < maxTries; tries++) {
    const row = await findWorkspace(deps.db, id)
    if (row === undefined) throw absent()
    if (!namesVersion(ifMatch, row.version)) throw changedSince()
    // Looked at again: it may have been archived meanwhile.
    const transition = transitionOf(row, body.status)
    const prepared = await preparePatch(deps, row, body)
    if (transition === 'set' && body.status !== undefined) prepared.patch.status = body.status
    if (transition !== 'none') prepared.changed.push('status')
    const updated = await store(deps, actor, row, prepared)
    if (updated !== undefined) return updated
    if (ifMatch !== undefined && ifMatch.trim() !== '*') throw changedSince()
  }
  throw new Conflict('The workspace is being changed by others all the time; try again.')
}

/** Undefined when the row is in another version by now. */
async function store ({ db, now }: UpdateDeps, actor: Actor, row: WorkspaceRow, { patch, changed }: PreparedPatch): Promise<WorkspaceRow | undefined> {
  return await db.transaction().execute(async trx => {
    const updated = await updateWorkspace(trx, row.id, patch, now(), { version: row.version })
    if (updated === undefined) return undefined
    await recordWorkspaceActivity(trx, row, {
      actor,
      action: 'updated',
      details: { changed }
    })
    return updated
  })
}

/** Of what is answered on the way, the part a PATCH answers. */
function workspaceOnly (onBegun: OnBegun<ExecutionWorkspace> | undefined): OnBegun<Changed> | undefined {
  if (onBegun === undefined) return undefined
  return ({ operationId, answer }) => onBegun({ operationId, answer: async () => (await answer()).workspace })
}

async function reread (db: Db, id: string): Promise<WorkspaceRow> {
  const current = await findWorkspace(db, id)
  if (current === undefined) throw absent()
  return current
}
