/** Makes a workspace: everything decided, then the row, then the files, then `active`. */
import type { Db } from '../../db/client.ts'
import { isForeignKeyViolation, isUniqueViolation } from '../../db/errors.ts'
import { findWorktreeHolders, insertWorkspace } from '../../db/execution-workspaces.ts'
import type { NewRow } from '../../db/tables.ts'
import type { CreateWorkspaceBody } from '../../openapi/schemas/workspace.ts'
import { runIdOf, type Actor } from '../access/actor.ts'
import { forbidAgentWrites } from '../access/agent-writes.ts'
import { requireCompany } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import { ForbiddenForAgents, InvalidReference, isProblem } from '../errors.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import { linkSourceIssue } from '../workspaces/outcome.ts'
import type { Realizer } from '../workspaces/realizer.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { worktreeTaken } from '../workspaces/worktree-plan.ts'
import { draftWorkspace, type DraftDeps } from './workspace-draft.ts'
import { findPlace } from './workspace-place.ts'

export interface CreateDeps extends DraftDeps {
  db: Db
  access: RuntimeAccess
  realizer: Realizer
  /** Throws InsufficientStorage (507) when the disk is nearly full. */
  requireRoom: () => Promise<void>
}

/** What of a strategy decides where files are read from and written to, or how often the host executes something. */
const strategyOfPeople = ['worktreeParentDir', 'copyFiles', 'provisionPolicy', 'provisionInputs', 'rescueIgnored'] as const

/**
 * Makes a workspace and answers its row, `active`.
 * @throws problems (403, 409, 422, 507); once the row is there they name the operation and the workspace
 */
export async function createWorkspace (deps: CreateDeps, actor: Actor, companyId: string, body: CreateWorkspaceBody): Promise<WorkspaceRow> {
  requireCompany(actor, companyId, 'write')
  forbidAgentWrites(actor, body, 'execution_workspace')
  forbidAgentStrategy(actor, body)
  const place = await findPlace(deps.db, actor, companyId, body)
  await deps.access.requireRuntimeManagement(actor, {
    companyId, issueId: place.issue?.id ?? null, projectWorkspaceId: place.projectWorkspace?.id ?? null
  })
  await deps.requireRoom()
  const draft = await draftWorkspace(deps, body, place)
  const row = await insert(deps, actor, draft.row)
  if (row.status === 'active') return row
  try {
    return await deps.realizer.realize(row, {
      agentId: place.agent?.id ?? null, runId: runIdOf(actor), ...(draft.owner === null ? {} : { owner: draft.owner })
    })
  } catch (error) {
    if (isProblem(error)) error.members['workspaceId'] ??= row.id
    throw error
  }
}

function forbidAgentStrategy (actor: Actor, { workspaceStrategy }: CreateWorkspaceBody): void {
  if (actor.type !== 'agent' || workspaceStrategy == null) return
  const pointers = strategyOfPeople.filter(key => Object.hasOwn(workspaceStrategy, key)).map(key => `/workspaceStrategy/${key}`)
  if (pointers.length === 0) return
  throw new ForbiddenForAgents(`An agent may not write ${pointers.join(', ')}.`, {
    members: { errors: pointers.map(pointer => ({ pointer, message: 'not for agents: it decides what the host does with files' })) }
  })
}

/** Of two requests for one worktree at once, the second loses here, with nothing made. */
async function insert ({ db, now }: CreateDeps, actor: Actor, draft: NewRow<'execution_workspaces'>): Promise<WorkspaceRow> {
  try {
    return await db.transaction().execute(async trx => {
      const row = await insertWorkspace(trx, draft)
      await recordWorkspaceActivity(trx, row, {
        actor,
        action: 'created',
        details: { mode: row.mode, strategyType: row.strategy_type, projectId: row.project_id, sourceIssueId: row.source_issue_id }
      })
      if (row.status === 'active') await linkSourceIssue(trx, row, now())
      return row
    })
  } catch (error) {
    throw await insertProblem(db, draft, error) ?? error
  }
}

async function insertProblem (db: Db, draft: NewRow<'execution_workspaces'>, error: unknown): Promise<Error | null> {
  const { host_id: hostId, realized_path: path } = draft
  if (isUniqueViolation(error, 'execution_workspaces_one_per_worktree') && hostId != null && path != null) {
    const [other] = await findWorktreeHolders(db, hostId, path, null)
    return worktreeTaken(path, other === undefined || other.company_id !== draft.company_id ? null : other)
  }
  if (isForeignKeyViolation(error)) return new InvalidReference('The project, its workspace or the issue was deleted just now.', { cause: error })
  return null
}
