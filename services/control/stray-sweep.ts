/** The part of a round that is about worktrees and folders in the data dir which no workspace knows. */
import { basename } from 'node:path'
import { listKnownPaths, listStrays, noteStrays } from '../../db/strays.ts'
import type { SweepItem } from '../../openapi/schemas/sweep.ts'
import { reasonOf } from '../archive/archive.ts'
import { findFolders, type FoundFolder } from '../archive/find-strays.ts'
import { removeStrayFolder } from '../archive/remove-stray-folder.ts'
import { removeStray, type StrayDeps } from '../archive/remove-stray.ts'
import type { RecorderLog } from '../operations/recorder.ts'
import { counted } from '../archive/words.ts'

export interface StraySweepDeps extends StrayDeps {
  hostId: string
  /** From when a stray was first seen to when it is removed. */
  strayGraceMs: number
  log: RecorderLog
}

/** Looks, notes what is new, and removes what was seen long enough ago; a dry run changes nothing. */
export async function sweepStrays (deps: StraySweepDeps, { dryRun, signal }: { dryRun: boolean, signal: AbortSignal }): Promise<SweepItem[]> {
  const { db, hostId, dataDir, now } = deps
  // The disk first: a workspace that is being made meanwhile has its row before its files.
  const found = await findFolders(dataDir)
  const known = await listKnownPaths(db, found.map(({ path }) => path))
  const strays = found.filter(({ path }) => !known.has(path))
  const since = await listStrays(db, hostId)
  const items: SweepItem[] = []
  const gone: string[] = []
  for (const stray of strays) {
    if (signal.aborted) break
    const item = await judge(deps, stray, { firstSeen: since.get(stray.path) ?? null, dryRun, signal })
    if (item.outcome === 'stray_removed') gone.push(stray.path)
    items.push(item)
  }
  if (!dryRun && (strays.length > 0 || since.size > 0)) await noteStrays(db, hostId, strays.map(({ path }) => path).filter(path => !gone.includes(path)), now())
  return items
}

async function judge (deps: StraySweepDeps, { path, kind }: FoundFolder, { firstSeen, dryRun, signal }: { firstSeen: Date | null, dryRun: boolean, signal: AbortSignal }): Promise<SweepItem> {
  const item = (outcome: SweepItem['outcome'], reason: string): SweepItem => ({ workspaceId: null, companyId: null, path, name: basename(path), rule: 'stray', outcome, reason, operationId: null })
  if (kind === 'repository') return item('skipped', 'No workspace knows it. It is a repository of its own: it is left alone.')
  const grace = `${counted(Math.round(deps.strayGraceMs / 1000), 'second')} after it was first seen`
  if (firstSeen === null) return item(dryRun ? 'skipped' : 'stray_noted', `No workspace knows it. It is rescued and removed ${grace}.`)
  const at = new Date(firstSeen.getTime() + deps.strayGraceMs)
  if (at > deps.now()) return item('skipped', `No workspace knows it. Not before ${at.toISOString()}, ${grace}.`)
  if (dryRun) return item('would_remove_stray', `No workspace knows it since ${firstSeen.toISOString()}.`)
  try {
    const kept = kind === 'worktree' ? `under ${await removeStray(deps, path, signal)} in its repository` : `in ${await removeStrayFolder(deps, path, signal)}`
    deps.log.warn({ path, kept }, `a ${kind} that no workspace knew was rescued and removed`)
    return item('stray_removed', `No workspace knew it since ${firstSeen.toISOString()}. What was in it is kept ${kept}.`)
  } catch (error) {
    return item('skipped', `No workspace knows it, but it has to stay: ${reasonOf(error)}`)
  }
}
