/** Queries on runtime_service_uses: which workspaces have started a shared service and not let go of it. */
import { sql, type RawBuilder } from 'kysely'
import type { Db } from './client.ts'
import { reusableStatuses } from '../openapi/schemas/workspace.ts'

/** A workspace of either kind that services are started for. */
export interface UsingPlace {
  kind: 'execution' | 'project'
  id: string
}

/** A using workspace with its name, and the key of the service it uses. */
export interface ServiceUser extends UsingPlace {
  name: string
  reuseKey: string
}

function columnsOf ({ kind, id }: UsingPlace): { execution_workspace_id: string | null, project_workspace_id: string | null } {
  return { execution_workspace_id: kind === 'execution' ? id : null, project_workspace_id: kind === 'project' ? id : null }
}

function columnOf ({ kind }: UsingPlace): 'execution_workspace_id' | 'project_workspace_id' {
  return kind === 'execution' ? 'execution_workspace_id' : 'project_workspace_id'
}

/**
 * Of an execution workspace by its alias: it has no runtime config of its own, so it runs by that of its project workspace
 * and shares that one's services. In TypeScript it is `servicesOwner`.
 */
export function borrowsServices (alias: string): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${alias}.${name}`)
  return sql<boolean>`(${column('mode')} = 'shared_workspace' and coalesce(jsonb_typeof(${column('config')} -> 'workspaceRuntime'), 'null') = 'null')`
}

/** Notes that the place uses the service; nothing happens when that is known. */
export async function addServiceUse (db: Db, reuseKey: string, place: UsingPlace): Promise<void> {
  await db.insertInto('runtime_service_uses').values({ reuse_key: reuseKey, ...columnsOf(place) })
    .onConflict(conflict => conflict.doNothing()).execute()
}

export async function dropServiceUse (db: Db, reuseKey: string, place: UsingPlace): Promise<void> {
  await db.deleteFrom('runtime_service_uses').where('reuse_key', '=', reuseKey).where(columnOf(place), '=', place.id).execute()
}

/** Lets everybody go of the service: nobody needs it any more. */
export async function dropAllServiceUses (db: Db, reuseKey: string): Promise<void> {
  await db.deleteFrom('runtime_service_uses').where('reuse_key', '=', reuseKey).execute()
}

/** Lets the place go of everything it uses. */
export async function dropServiceUsesOf (db: Db, place: UsingPlace): Promise<void> {
  await db.deleteFrom('runtime_service_uses').where(columnOf(place), '=', place.id).execute()
}

/**
 * Who else uses these services, the first to have begun first. Workspaces that are closed or being closed don't count; nor,
 * where a project workspace asks, sessions that borrow its services: those follow it.
 */
export async function listOtherUsers (db: Db, reuseKeys: readonly string[], except: UsingPlace): Promise<ServiceUser[]> {
  return reuseKeys.length === 0 ? [] : await selectOtherUsers(db, reuseKeys, except, sql``)
}

/** Lets the place go of the service, and says who else uses it: one statement. */
export async function leaveService (db: Db, reuseKey: string, place: UsingPlace): Promise<ServiceUser[]> {
  const left = sql`with dropped as (delete from runtime_service_uses where reuse_key = ${reuseKey} and ${sql.ref(columnOf(place))} = ${place.id}::uuid)`
  return await selectOtherUsers(db, [reuseKey], place, left)
}

async function selectOtherUsers (db: Db, reuseKeys: readonly string[], except: UsingPlace, before: RawBuilder<unknown>): Promise<ServiceUser[]> {
  const borrows = except.kind === 'execution'
    ? sql`false`
    : sql`(workspace.project_workspace_id is not distinct from ${except.id}::uuid and ${borrowsServices('workspace')})`
  const { rows } = await sql<ServiceUser>`
    ${before}
    select uses.reuse_key as "reuseKey", coalesce(workspace.id, base.id) as id, coalesce(workspace.name, base.name) as name,
      case when workspace.id is null then 'project' else 'execution' end as kind
    from runtime_service_uses uses
      left join execution_workspaces workspace on workspace.id = uses.execution_workspace_id
      left join project_workspaces base on base.id = uses.project_workspace_id
    where uses.reuse_key = any(${[...reuseKeys]}::text[])
      and uses.${sql.ref(columnOf(except))} is distinct from ${except.id}::uuid
      and (workspace.id is null or (workspace.status = any(${[...reusableStatuses]}::text[]) and not ${borrows}))
    order by uses.created_at, id`.execute(db)
  return rows
}
