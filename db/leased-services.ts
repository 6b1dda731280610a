/**
 * Queries between leases and runtime services. A workspace uses the services started for itself, the shared ones it
 * has an entry for in runtime_service_uses, and where it has no runtime config of its own those of its project workspace.
 */
import { sql } from 'kysely'
import { liveServiceStatuses } from '../openapi/schemas/runtime.ts'
import type { Db } from './client.ts'
import type { ServiceRow } from './runtime-services.ts'
import { borrowsServices } from './service-uses.ts'

const borrows = borrowsServices('w')

/** Marks the live services that a workspace uses as just used. */
export async function touchServicesOf (db: Db, workspaceId: string, now: Date): Promise<void> {
  const lender = sql<string>`(select w.project_workspace_id from execution_workspaces w where w.id = ${workspaceId}::uuid and ${borrows})`
  await db.updateTable('runtime_services').set({ last_used_at: now })
    .where('status', 'in', [...liveServiceStatuses])
    .where(sql<boolean>`(
      execution_workspace_id = ${workspaceId}::uuid
      or (execution_workspace_id is null and project_workspace_id = ${lender})
      or reuse_key in (select u.reuse_key from runtime_service_uses u where u.execution_workspace_id = ${workspaceId}::uuid or u.project_workspace_id = ${lender}))`)
    .execute()
}

/** Running services of this host that a stop policy or the end of a run may stop; of those named, when `ids` is given. */
export async function listStoppable (db: Db, hostId: string, ids: readonly string[] | null = null): Promise<ServiceRow[]> {
  let query = db.selectFrom('runtime_services').selectAll()
    .where('host_id', '=', hostId).where('provider', '=', 'local_process').where('status', 'in', ['running', 'backing_off'])
    .where(sql<boolean>`(lifecycle = 'ephemeral' or scope_type = 'run' or stop_policy ->> 'type' in ('idle_timeout', 'on_run_finish'))`)
  if (ids !== null) query = query.where(eb => eb('id', '=', eb.fn.any(eb.val([...ids]))))
  return await query.orderBy('seq').execute()
}

/** A lease on a workspace that uses a service. */
export interface LeaseOnService {
  service_id: string
  run_id: string
  /** Null while it is not released. */
  released_at: Date | null
}

/**
 * Of each service: every lease that is not released, the last one that was since the service was started, and the one
 * of the service's own run that was.
 */
export async function listLeasesOnServices (db: Db, serviceIds: readonly string[]): Promise<LeaseOnService[]> {
  const endedOf = (condition: ReturnType<typeof sql>) => sql`
    select s.id as service_id, l.run_id, l.released_at from service s cross join lateral (
      select l.run_id, l.released_at from place p join run_leases l on l.execution_workspace_id = p.workspace_id
      where p.service_id = s.id and l.released_at >= s.started_at and ${condition}
      order by l.released_at desc limit 1) l`
  const { rows } = await sql<LeaseOnService>`
    with service as (
      select id, company_id, reuse_key, execution_workspace_id, project_workspace_id, started_at,
        case when scope_type = 'run' then scope_id else started_by_run_id::text end as run_id
      from runtime_services where id = any(${[...serviceIds]}::uuid[])
    ), place (service_id, workspace_id) as (
      select id, execution_workspace_id from service where execution_workspace_id is not null
      union
      select s.id, u.execution_workspace_id from service s join runtime_service_uses u on u.reuse_key = s.reuse_key
        where u.execution_workspace_id is not null
      union
      select s.id, w.id from service s
        join execution_workspaces w on w.company_id = s.company_id and w.project_workspace_id = s.project_workspace_id and ${borrows}
        where s.execution_workspace_id is null
      union
      select s.id, w.id from service s join runtime_service_uses u on u.reuse_key = s.reuse_key
        join execution_workspaces w on w.company_id = s.company_id and w.project_workspace_id = u.project_workspace_id and ${borrows}
    )
    select p.service_id, l.run_id, l.released_at from place p
      join run_leases l on l.execution_workspace_id = p.workspace_id and l.released_at is null
    union all ${endedOf(sql`true`)}
    union all ${endedOf(sql`l.run_id::text = s.run_id`)}`.execute(db)
  return rows
}

/** The places a service was started in: those whose wanted state speaks of it. */
export interface ServiceHomes {
  executionWorkspaceIds: string[]
  projectWorkspaces: { id: string, projectId: string }[]
}

export async function listServiceHomes (db: Db, row: Pick<ServiceRow, 'reuse_key' | 'execution_workspace_id' | 'project_workspace_id'>): Promise<ServiceHomes> {
  const uses = row.reuse_key === null
    ? []
    : await db.selectFrom('runtime_service_uses').select(['execution_workspace_id', 'project_workspace_id']).where('reuse_key', '=', row.reuse_key).execute()
  const own = { execution_workspace_id: row.execution_workspace_id, project_workspace_id: row.execution_workspace_id === null ? row.project_workspace_id : null }
  const idsOf = (key: keyof typeof own) => [...new Set([own, ...uses].flatMap(one => one[key] ?? []))]
  const projectWorkspaceIds = idsOf('project_workspace_id')
  const projectWorkspaces = projectWorkspaceIds.length === 0
    ? []
    : await db.selectFrom('project_workspaces').select(['id', 'project_id as projectId']).where('id', 'in', projectWorkspaceIds).execute()
  return { executionWorkspaceIds: idsOf('execution_workspace_id'), projectWorkspaces }
}

/** True when another live service is started from the same command of the same place, as ephemeral ones may be. */
export async function hasLiveTwin (db: Db, { id, identity_key: identityKey }: Pick<ServiceRow, 'id' | 'identity_key'>): Promise<boolean> {
  const twin = await db.selectFrom('runtime_services').select('id')
    .where('identity_key', '=', identityKey).where('id', '<>', id).where('status', 'in', [...liveServiceStatuses])
    .limit(1).executeTakeFirst()
  return twin !== undefined
}
