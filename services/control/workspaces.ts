/** What can be done with workspaces from outside: show, list, create, change, list commands; and finish what a crash left. */
import type { Db } from '../../db/client.ts'
import { findCompany } from '../../db/companies.ts'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { CreateWorkspaceBody, ExecutionWorkspace, ListWorkspacesQuery, UpdateWorkspaceBody, WorkspaceSummary } from '../../openapi/schemas/workspace.ts'
import type { CommandDefinition } from '../../openapi/schemas/workspace-config.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireCompany, requireVisible } from '../access/company-access.ts'
import { createRuntimeAccess } from '../access/runtime-access.ts'
import type { PathRules } from '../directory/paths.ts'
import { isProblem } from '../errors.ts'
import type { Git } from '../git/exec.ts'
import type { OnBegun } from '../operations/begun.ts'
import type { Recorder } from '../operations/recorder.ts'
import { listCommands } from '../runtime/commands.ts'
import { parseRuntimeConfig } from '../runtime/config.ts'
import type { CurrentServicesOf } from '../runtime/current-services.ts'
import { isStopping } from '../workspaces/as-problem.ts'
import { effectiveRuntime } from '../workspaces/policy.ts'
import type { Realizer } from '../workspaces/realizer.ts'
import { rowConfig, type WorkspaceRow } from '../workspaces/shape.ts'
import type { WorktreePlanner } from '../workspaces/worktree-plan.ts'
import { createOneAtATime } from './one-at-a-time.ts'
import { createWorkspace } from './workspace-create.ts'
import { listCompanyWorkspaces } from './workspace-list.ts'
import { updateExistingWorkspace, type Archive, type UpdateOptions } from './workspace-update.ts'
import { createWorkspaceView } from './workspace-view.ts'

export interface WorkspaceControlDeps extends PathRules {
  db: Db
  git: Git
  hostId: string
  planner: WorktreePlanner
  realizer: Realizer
  recorder: Recorder
  currentServicesOf: CurrentServicesOf
  archive: Archive
  /** Throws InsufficientStorage (507) when the disk is nearly full. */
  requireRoom: () => Promise<void>
  now?: () => Date
}

/** How finishing an interrupted creation went. */
export interface FinishReport {
  workspaceId: string
  outcome: 'active' | 'provision_failed' | 'postponed'
  /** Why it failed, or why it is left for the next start. */
  reason: string | null
}

export interface WorkspaceControl {
  get (actor: Actor, id: string): Promise<ExecutionWorkspace>
  list (actor: Actor, companyId: string, query: ListWorkspacesQuery): Promise<Page<ExecutionWorkspace | WorkspaceSummary>>
  create (actor: Actor, companyId: string, body: CreateWorkspaceBody, options?: { onBegun?: OnBegun<ExecutionWorkspace> | undefined }): Promise<ExecutionWorkspace>
  update (actor: Actor, id: string, body: UpdateWorkspaceBody, options?: UpdateOptions): Promise<ExecutionWorkspace>
  commands (actor: Actor, id: string): Promise<CommandDefinition[]>
  /** A row as GET answers it; for the other actions' answers. */
  show (row: WorkspaceRow): Promise<ExecutionWorkspace>
  /** For start-up recovery: makes the files of a row left in `provisioning`, or marks it. Never throws. */
  finishProvisioning (row: WorkspaceRow): Promise<FinishReport>
  readonly realizer: Realizer
}

export function createWorkspaceControl (given: WorkspaceControlDeps): WorkspaceControl {
  const { db, realizer } = given
  const deps = { ...given, access: createRuntimeAccess({ db }), now: given.now ?? (() => new Date()), inTurn: createOneAtATime() }
  const view = createWorkspaceView(given)
  const visible = async (actor: Actor, id: string): Promise<WorkspaceRow> => requireVisible(actor, await findWorkspace(db, id))
  return {
    realizer,
    show: view.show,
    get: async (actor, id) => await view.show(await visible(actor, id)),
    async list (actor, companyId, query) {
      requireCompany(actor, companyId, 'read')
      const page = await listCompanyWorkspaces({ db, view }, companyId, query)
      if (page.items.length === 0 && await findCompany(db, companyId) === undefined) throw absent()
      return page
    },
    async create (actor, companyId, body, { onBegun } = {}) {
      const told = (operationId: string, id: string) => onBegun?.({ operationId, answer: async () => await view.show(await visible(actor, id)) })
      return await view.show(await createWorkspace(deps, actor, companyId, body, onBegun === undefined ? {} : { onBegun: told }))
    },
    update: async (actor, id, body, options) => await view.show(await updateExistingWorkspace(deps, actor, id, body, options)),
    commands: async (actor, id) => await commandsOf(db, await visible(actor, id)),
    finishProvisioning: async row => await finish(realizer, row)
  }
}

async function commandsOf (db: Db, row: WorkspaceRow): Promise<CommandDefinition[]> {
  const project = await db.selectFrom('projects').select('execution_workspace_policy').where('id', '=', row.project_id).executeTakeFirst()
  const workspace = row.project_workspace_id === null
    ? undefined
    : await db.selectFrom('project_workspaces').select('runtime_config').where('id', '=', row.project_workspace_id).executeTakeFirst()
  const effective = effectiveRuntime(rowConfig(row), workspace?.runtime_config ?? null, project?.execution_workspace_policy ?? null)
  return effective === null ? [] : listCommands(parseRuntimeConfig(effective.runtime), effective.source)
}

async function finish (realizer: Realizer, row: WorkspaceRow): Promise<FinishReport> {
  const report = (outcome: FinishReport['outcome'], reason: string | null): FinishReport => ({ workspaceId: row.id, outcome, reason })
  try {
    await realizer.realize(row, { resume: true })
    return report('active', null)
  } catch (error) {
    const reason = isProblem(error) || error instanceof Error ? error.message : String(error)
    return report(isStopping(error) ? 'postponed' : 'provision_failed', reason)
  }
}
