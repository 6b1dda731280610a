/** Finds what should run on this host and brings it back, a few workspaces at a time. */
import { sql } from 'kysely'
import type { Db } from '../../db/client.ts'
import { reusableStatuses } from '../../openapi/schemas/workspace.ts'
import { servicesOwner } from '../workspaces/shape.ts'
import type { BroughtBack, RuntimeControl } from './runtime-control.ts'
import type { RuntimeTarget } from './runtime-place.ts'

export interface StartDesiredDeps {
  db: Db
  hostId: string
  control: Pick<RuntimeControl, 'bringBack'>
}

/** Dev servers are busy while they boot; more at once only makes each of them slower. */
const atOnce = 4

/** Starts what should run in every workspace of this host; never throws for a single one. */
export async function startDesired ({ db, hostId, control }: StartDesiredDeps, signal: AbortSignal): Promise<BroughtBack> {
  const targets = [...await executionTargets(db, hostId), ...await projectTargets(db, hostId)]
  const total: BroughtBack = { started: 0, problems: [] }
  const worker = async () => {
    for (let target = targets.shift(); target !== undefined && !signal.aborted; target = targets.shift()) {
      const { started, problems } = await control.bringBack(target)
      total.started += started
      total.problems.push(...problems)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return total
}

/** A workspace that borrows its project workspace's services has no say of its own in what runs. */
async function executionTargets (db: Db, hostId: string): Promise<RuntimeTarget[]> {
  const rows = await db.selectFrom('execution_workspaces').select(['id', 'mode', 'config', 'project_workspace_id'])
    .where('host_id', '=', hostId)
    .where('status', 'in', [...reusableStatuses])
    .where(sql<boolean>`(config ->> 'desiredState' = 'running' or jsonb_path_exists(config, '$.serviceStates.* ? (@ == "running")'))`)
    .orderBy('last_used_at', 'desc').execute()
  return rows.filter(row => servicesOwner(row).kind === 'execution').map(({ id }) => ({ kind: 'execution', id }))
}

/** A project workspace belongs to the host that ran its services before. */
async function projectTargets (db: Db, hostId: string): Promise<RuntimeTarget[]> {
  const rows = await db.selectFrom('project_workspaces').select(['id', 'project_id'])
    .where('cwd', 'is not', null)
    .where(sql<boolean>`(desired_state = 'running' or jsonb_path_exists(service_states, '$.* ? (@ == "running")'))`)
    .where(({ exists, selectFrom }) => exists(selectFrom('runtime_services').select('id')
      .whereRef('runtime_services.project_workspace_id', '=', 'project_workspaces.id')
      .where('runtime_services.execution_workspace_id', 'is', null)
      .where('runtime_services.host_id', '=', hostId)))
    .execute()
  return rows.map(({ id, project_id: projectId }) => ({ kind: 'project', projectId, id }))
}
