/** The part of a round that is about archives of strays: each goes when the time is over for which its project keeps what was rescued. */
import { listRescueDays } from '../../db/strays.ts'
import type { Db } from '../../db/client.ts'
import type { SweepItem } from '../../openapi/schemas/sweep.ts'
import { reasonOf } from '../archive/archive.ts'
import { readStrayArchive, strayArchives, type StrayArchive } from '../archive/stray-names.ts'
import { dropStoredFolder, listStoredFolders, placesOf } from '../folders/stored-folder.ts'
import type { RecorderLog } from '../operations/recorder.ts'

export interface StrayArchiveDeps {
  db: Db
  dataDir: string
  now: () => Date
  /** For those of no project, and where the project does not say; null: for ever. */
  strayRetainDays: number | null
  log: RecorderLog
}

interface Retention { companyId: string | null, days: number | null }

/** Drops the archives whose time is over; a dry run only tells them. */
export async function sweepStrayArchives (deps: StrayArchiveDeps, { dryRun, signal }: { dryRun: boolean, signal: AbortSignal }): Promise<SweepItem[]> {
  const archives = (await listStoredFolders(deps.dataDir, strayArchives)).flatMap(name => readStrayArchive(name) ?? [])
  const ofProjects = await listRescueDays(deps.db, archives.flatMap(({ projectId }) => projectId ?? []))
  const items: SweepItem[] = []
  for (const archive of archives) {
    if (signal.aborted) break
    const { companyId = null, days = null } = (archive.projectId === null ? null : ofProjects.get(archive.projectId)) ?? {}
    const item = await expire(deps, archive, { companyId, days: days ?? deps.strayRetainDays }, dryRun)
    if (item !== null) items.push(item)
  }
  return items
}

async function expire ({ dataDir, now, log }: StrayArchiveDeps, { name, storedAt }: StrayArchive, { companyId, days }: Retention, dryRun: boolean): Promise<SweepItem | null> {
  if (days === null) return null
  const expiry = new Date(storedAt.getTime() + days * 86_400_000)
  if (expiry > now()) return null
  const { archive: path } = placesOf(dataDir, name)
  const reason = `It holds a folder that no workspace knew, and is kept for ${days} days, which were over at ${expiry.toISOString()}.`
  const item = (outcome: SweepItem['outcome'], why = reason): SweepItem => ({ workspaceId: null, companyId, path, name, rule: 'retain_rescue_days', outcome, reason: why, operationId: null })
  if (dryRun) return item('would_drop_rescue')
  try {
    await dropStoredFolder(dataDir, name)
  } catch (error) {
    return item('skipped', `It can not be removed: ${reasonOf(error)}`)
  }
  log.warn({ path, days }, 'the archive of a folder that no workspace knew was removed: its time was over')
  return item('rescue_dropped')
}
