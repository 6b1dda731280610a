/** The workspace in the answer of a runtime action: as GET gives it, after the action. */
import type { Db } from '../../db/client.ts'
import { findWorkspace, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import type { ServiceRow } from '../../db/runtime-services.ts'
import type { ProjectWorkspace } from '../../openapi/schemas/directory.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import { absent } from '../access/company-access.ts'
import { toProjectWorkspace } from '../directory/shape.ts'
import { toWorkspace } from '../workspaces/shape.ts'
import type { RuntimePlace } from './runtime-place.ts'
import { withStarted, type WorkspaceView } from './workspace-view.ts'

export interface RuntimeAnswerDeps {
  db: Db
  view: WorkspaceView
}

/** What an answer shows, as far as it was read before. */
export interface Shown {
  /** Of an execution workspace. */
  workspace?: WorkspaceRow | null | undefined
  services?: RuntimeService[] | undefined
}

/** Reads what an action in an execution workspace may show before its end is stored: the services, and the row where that is done with. */
export async function readEarly (deps: RuntimeAnswerDeps, place: RuntimePlace, { row }: { row: boolean }): Promise<Shown> {
  if (place.workspace === null) return {}
  const [workspace, services] = await Promise.all([row ? findWorkspace(deps.db, place.id) : null, deps.view.servicesOf(place.workspace)])
  return { workspace: workspace ?? null, services }
}

/**
 * The workspace with its services, and with what was started also where another workspace shares it.
 * @throws NotFound (404) when it has gone meanwhile
 */
export async function showPlace (deps: RuntimeAnswerDeps, place: RuntimePlace, { workspace, services }: Shown = {}, started: readonly ServiceRow[] = []): Promise<ExecutionWorkspace | ProjectWorkspace> {
  const { db } = deps
  if (place.workspace === null) {
    const row = await db.selectFrom('project_workspaces').selectAll().where('id', '=', place.id).executeTakeFirst()
    if (row === undefined) throw absent()
    return toProjectWorkspace(row)
  }
  const [row, shown] = await Promise.all([workspace ?? findWorkspace(db, place.id), services ?? deps.view.servicesOf(place.workspace)])
  if (row === undefined) throw absent()
  return toWorkspace(row, withStarted(shown, started))
}
