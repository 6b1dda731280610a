/** Queries on runtime_services: the live row of an identity, the current rows of workspaces, guarded changes. */
import { sql, type Kysely } from 'kysely'
import { liveServiceStatuses } from '../openapi/schemas/runtime.ts'
import type { UsingPlace } from './service-uses.ts'
import type { NewRow, Row, RowPatch, Tables } from './tables.ts'

type Db = Kysely<Tables>
export type ServiceRow = Row<'runtime_services'>
export type ServicePatch = Omit<RowPatch<'runtime_services'>, 'id' | 'seq' | 'updated_at'>

/** True while the row holds its identity: a second one can't be started. */
export function isLiveRow ({ status }: Pick<ServiceRow, 'status'>): boolean {
  return liveServiceStatuses.some(one => one === status)
}

/** A unique violation on `runtime_services_one_live` means that the identity is held already. */
export async function insertService (db: Db, row: NewRow<'runtime_services'>): Promise<ServiceRow> {
  return await db.insertInto('runtime_services').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function findService (db: Db, id: string): Promise<ServiceRow | undefined> {
  return await db.selectFrom('runtime_services').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The live rows that stand in the way of a start: of the same reuse key, and of the same service under another key. */
export async function findLiveRivals (db: Db, keys: { reuseKey: string, identityKey: string }): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where('status', 'in', [...liveServiceStatuses])
    .where('lifecycle', '=', 'shared')
    .where(eb => eb.or([eb('reuse_key', '=', keys.reuseKey), eb('identity_key', '=', keys.identityKey)]))
    .execute()
}

/** Changes a row while it is live; undefined when it has ended meanwhile (or is gone). */
export async function updateLiveService (db: Db, id: string, patch: ServicePatch, now: Date): Promise<ServiceRow | undefined> {
  return await db.updateTable('runtime_services').set({ ...patch, updated_at: now })
    .where('id', '=', id).where('status', 'in', [...liveServiceStatuses])
    .returningAll().executeTakeFirst()
}

/** Whose services: of execution workspaces, and of project workspaces themselves. */
export interface ServicePlaces {
  executionWorkspaceIds: readonly string[]
  projectWorkspaceIds: readonly string[]
}

/** A current row, and the workspace among those asked for that shows it. */
export type PlacedServiceRow = ServiceRow & { place_id: string }

type PlaceColumn = 'execution_workspace_id' | 'project_workspace_id'

/**
 * The current rows of many workspaces: of those started for them the newest of each identity and every live one, and
 * the live ones of others that they use. One query for each kind of place that is asked for.
 */
export async function listCurrentServices (db: Db, { executionWorkspaceIds, projectWorkspaceIds }: ServicePlaces): Promise<PlacedServiceRow[]> {
  const [ofExecution, ofProject] = await Promise.all([
    executionWorkspaceIds.length === 0 ? [] : currentOf(db, 'execution_workspace_id', executionWorkspaceIds),
    projectWorkspaceIds.length === 0 ? [] : currentOf(db, 'project_workspace_id', projectWorkspaceIds)
  ])
  return [...ofExecution, ...ofProject]
}

async function currentOf (db: Db, column: PlaceColumn, ids: readonly string[]): Promise<PlacedServiceRow[]> {
  const place = sql.ref(column)
  const all = sql`${[...ids]}::uuid[]`
  const isLive = sql`status in ('starting', 'running', 'backing_off')`
  // A row of an execution workspace names its project workspace too, but is not that one's own.
  const isOwn = (table: string) => column === 'execution_workspace_id' ? sql`true` : sql`${sql.ref(table)}.execution_workspace_id is null`
  const { rows } = await sql<PlacedServiceRow>`
    with used as (
      select runtime_services.*, uses.${place} as place_id
      from runtime_service_uses uses join runtime_services on runtime_services.reuse_key = uses.reuse_key and ${isLive}
      where uses.${place} = any(${all}))
    select *, ${place} as place_id from runtime_services
    where ${place} = any(${all}) and ${isOwn('runtime_services')} and (${isLive} or (
      seq in (select max(seq) from runtime_services where ${place} = any(${all}) and ${isOwn('runtime_services')} group by ${place}, identity_key)
      -- An older start of a service that another workspace has started anew since.
      and not exists (select from used where used.place_id = runtime_services.${place} and used.reuse_key = runtime_services.reuse_key)))
    union all
    select * from used where not (${isOwn('used')} and used.${place} is not distinct from used.place_id)
    order by config_index, seq`.execute(db)
  return rows
}

/** The live rows of one workspace: those it started and those of others that it uses. */
export async function listLiveOfPlace (db: Db, { kind, id }: UsingPlace): Promise<ServiceRow[]> {
  const rows = await listCurrentServices(db, {
    executionWorkspaceIds: kind === 'execution' ? [id] : [],
    projectWorkspaceIds: kind === 'project' ? [id] : []
  })
  return rows.filter(isLiveRow)
}

/** Names another workspace as the one a live service was started for: the former one has let go of it. */
export async function handOverService (db: Db, id: string, heir: UsingPlace, now: Date): Promise<void> {
  await updateLiveService(db, id, {
    execution_workspace_id: heir.kind === 'execution' ? heir.id : null,
    ...(heir.kind === 'project' ? { project_workspace_id: heir.id } : {})
  }, now)
}

/** The live rows whose processes this host has, the oldest first. */
export async function listLiveOfHost (db: Db, hostId: string): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where('host_id', '=', hostId).where('provider', '=', 'local_process').where('status', 'in', [...liveServiceStatuses])
    .orderBy('seq').execute()
}
