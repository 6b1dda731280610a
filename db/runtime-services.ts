/** Queries on runtime_services: the live row of an identity, the current rows of workspaces, guarded changes. */
import type { Kysely } from 'kysely'
import type { NewRow, Row, RowPatch, Tables } from './tables.ts'

type Db = Kysely<Tables>
export type ServiceRow = Row<'runtime_services'>
export type ServicePatch = Omit<RowPatch<'runtime_services'>, 'id' | 'seq' | 'updated_at'>

const live = ['starting', 'running', 'backing_off'] as const

/** True while the row holds its identity: a second one can't be started. */
export function isLiveRow ({ status }: Pick<ServiceRow, 'status'>): boolean {
  return live.some(one => one === status)
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
    .where('status', 'in', [...live])
    .where('lifecycle', '=', 'shared')
    .where(eb => eb.or([eb('reuse_key', '=', keys.reuseKey), eb('identity_key', '=', keys.identityKey)]))
    .execute()
}

export async function findLiveByReuseKey (db: Db, reuseKey: string): Promise<ServiceRow | undefined> {
  return await db.selectFrom('runtime_services').selectAll()
    .where('reuse_key', '=', reuseKey).where('status', 'in', [...live]).executeTakeFirst()
}

/** Changes a row while it is live; undefined when it has ended meanwhile (or is gone). */
export async function updateLiveService (db: Db, id: string, patch: ServicePatch, now: Date): Promise<ServiceRow | undefined> {
  return await db.updateTable('runtime_services').set({ ...patch, updated_at: now })
    .where('id', '=', id).where('status', 'in', [...live])
    .returningAll().executeTakeFirst()
}

/** Whose services: of execution workspaces, and of project workspaces themselves. */
export interface ServicePlaces {
  executionWorkspaceIds: readonly string[]
  projectWorkspaceIds: readonly string[]
}

/**
 * The current rows of many workspaces: the newest of each identity, and every live one. One query for each
 * kind of place that is asked for.
 */
export async function listCurrentServices (db: Db, { executionWorkspaceIds, projectWorkspaceIds }: ServicePlaces): Promise<ServiceRow[]> {
  const [ofExecution, ofProject] = await Promise.all([
    executionWorkspaceIds.length === 0 ? [] : currentOfExecution(db, [...executionWorkspaceIds]),
    projectWorkspaceIds.length === 0 ? [] : currentOfProject(db, [...projectWorkspaceIds])
  ])
  return [...ofExecution, ...ofProject]
}

async function currentOfExecution (db: Db, ids: string[]): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where(eb => eb('execution_workspace_id', '=', eb.fn.any(eb.val(ids))))
    .where(eb => eb.or([
      eb('status', 'in', [...live]),
      eb('seq', 'in', eb.selectFrom('runtime_services').select(eb => eb.fn.max('seq').as('newest'))
        .where(eb => eb('execution_workspace_id', '=', eb.fn.any(eb.val(ids))))
        .groupBy(['execution_workspace_id', 'identity_key']))
    ]))
    .orderBy('config_index').orderBy('seq').execute()
}

async function currentOfProject (db: Db, ids: string[]): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where(eb => eb('project_workspace_id', '=', eb.fn.any(eb.val(ids))))
    .where('execution_workspace_id', 'is', null)
    .where(eb => eb.or([
      eb('status', 'in', [...live]),
      eb('seq', 'in', eb.selectFrom('runtime_services').select(eb => eb.fn.max('seq').as('newest'))
        .where(eb => eb('project_workspace_id', '=', eb.fn.any(eb.val(ids))))
        .where('execution_workspace_id', 'is', null)
        .groupBy(['project_workspace_id', 'identity_key']))
    ]))
    .orderBy('config_index').orderBy('seq').execute()
}

/** The live rows of one execution workspace. */
export async function listLiveOfWorkspace (db: Db, executionWorkspaceId: string): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where('execution_workspace_id', '=', executionWorkspaceId).where('status', 'in', [...live])
    .orderBy('seq').execute()
}

/** The live rows whose processes this host has, the oldest first. */
export async function listLiveOfHost (db: Db, hostId: string): Promise<ServiceRow[]> {
  return await db.selectFrom('runtime_services').selectAll()
    .where('host_id', '=', hostId).where('provider', '=', 'local_process').where('status', 'in', [...live])
    .orderBy('seq').execute()
}
