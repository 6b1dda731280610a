/** Queries on folders in a data dir that no workspace knows: which those are, and since when they were seen. */
import { sql } from 'kysely'
import { cleanupPolicyNumber } from './cleanup-policy.ts'
import type { Db } from './client.ts'

/** Those of these paths that a workspace names as its place, whatever has become of it, or as the place its files are removed from. */
export async function listKnownPaths (db: Db, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set()
  const all = sql`${[...paths]}::text[]`
  const { rows } = await sql<{ path: string }>`
    select distinct path from execution_workspaces, lateral (values (realized_path), (provider_ref), (cwd), (rescue ->> 'aside')) places (path)
    where path = any(${all})`.execute(db)
  return new Set(rows.map(({ path }) => path))
}

export async function listStrays (db: Db, hostId: string): Promise<Map<string, Date>> {
  const rows = await db.selectFrom('stray_folders').select(['path', 'first_seen_at']).where('host_id', '=', hostId).execute()
  return new Map(rows.map(row => [row.path, row.first_seen_at]))
}

/** Notes those seen for the first time, and forgets those that are not there any more. */
export async function noteStrays (db: Db, hostId: string, seen: readonly string[], now: Date): Promise<void> {
  await db.deleteFrom('stray_folders').where('host_id', '=', hostId).where(sql<boolean>`path <> all(${[...seen]}::text[])`).execute()
  if (seen.length === 0) return
  await sql`insert into stray_folders (host_id, path, first_seen_at) select ${hostId}::uuid, path, ${now} from unnest(${[...seen]}::text[]) path on conflict do nothing`.execute(db)
}

/** For how many days these projects keep what was rescued, by their id; null where they do not say. Those that are gone are left out. */
export async function listRescueDays (db: Db, projectIds: readonly string[]): Promise<Map<string, { companyId: string, days: number | null }>> {
  if (projectIds.length === 0) return new Map()
  const { rows } = await sql<{ id: string, company_id: string, days: number | null }>`
    select p.id, p.company_id, ${cleanupPolicyNumber('retainRescueDays')} as days from projects p where p.id = any(${[...new Set(projectIds)]}::uuid[])`.execute(db)
  return new Map(rows.map(row => [row.id, { companyId: row.company_id, days: row.days }]))
}
