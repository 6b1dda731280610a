/** The rescue snapshot: taken, verified, compared with the worktree again, found and dropped. */
import { RescueFailed } from '../errors.ts'
import { resolveCommit } from './branches.ts'
import { gitReason, type Git } from './exec.ts'
import { chooseIgnored } from './ignored.ts'
import { readManifest, readManifestOf, type Manifest } from './manifest.ts'
import { DEFAULT_RESCUE_IGNORED, RESCUE_REF_PREFIX, rescueRef, type RescueDescription, type RescueSnapshot } from './snapshot.ts'
import { storeState, type StoredState } from './store-state.ts'
import { describeStatus, readStatus } from './status.ts'
import { verifyStored } from './verify-stored.ts'
import { fingerprintOf } from './state-parts.ts'
import { readWorkingState, type WorkingState } from './working-state.ts'
import { listWorktrees } from './worktrees.ts'

export { attachSnapshot, branchInstead, type BranchInstead } from './attach.ts'
export { restoreSnapshot, type RestoreResult } from './restore.ts'
export { DEFAULT_RESCUE_IGNORED, RESCUE_REF_PREFIX, rescueRef } from './snapshot.ts'
export type { RescueCounts, RescueDescription, RescuedFile, RescuedFileStatus, RescueSnapshot } from './snapshot.ts'

export interface SnapshotInput {
  repoRoot: string
  worktreePath: string
  workspaceId: string
  /** Globs of ignored files to take along; without a slash they match the file's name anywhere. Default `.env*`. */
  rescueIgnored?: readonly string[]
  signal?: AbortSignal
}

// Somebody who is still writing gets this many chances to pause for as long as a look takes.
const ATTEMPTS = 3

/**
 * Stores everything in the worktree that is not ignored (and the chosen ignored files) as commits in the owner repository,
 * points `refs/berth/rescue/<workspaceId>` at them, reads it all back and, unless all is as committed, looks at the worktree once
 * more: what is to be removed has to be compared with it again (`isStillKept`). The worktree's files and index are only read. An earlier snapshot of the workspace stays reachable from the new one.
 * Throws RescueFailed when anything can't be stored, or the worktree keeps changing; then nothing may be removed.
 */
export async function takeSnapshot (git: Git, input: SnapshotInput): Promise<RescueSnapshot> {
  const rescueIgnored = input.rescueIgnored ?? DEFAULT_RESCUE_IGNORED
  const ref = rescueRef(input.workspaceId)
  return await orRescueFailed(input.worktreePath, async () => {
    let [state] = await Promise.all([readWorkingState(git, { ...input, rescueIgnored }), refuseWorktreesInside(git, input)])
    for (let attempt = 1; ; attempt++) {
      const stored = await tryToStore(git, input, { state, rescueIgnored, ref })
      const again = stored !== null && isAsCommitted(state) ? state : await readWorkingState(git, { ...input, rescueIgnored })
      if (stored !== null && fingerprintOf(again.parts) === stored.snapshot.fingerprint) {
        await publish(git, input.repoRoot, { ref, stored })
        return stored.snapshot
      }
      if (attempt === ATTEMPTS) throw new Error('something keeps changing its files')
      state = again
    }
  })
}

/**
 * Whether everything is as HEAD has it. Then no content was read that somebody could have been in the middle of writing, and
 * whoever removes the files looks at them once more in any case.
 */
function isAsCommitted ({ status, changed, absent, converted, untracked, ignored }: WorkingState): boolean {
  return [changed, absent, converted, untracked, ignored, status.filter(({ kind }) => kind !== 'ignored')].every(found => found.length === 0)
}

/** Stores and verifies one look; null when files changed under the hand. */
async function tryToStore (git: Git, input: SnapshotInput, look: { state: WorkingState, rescueIgnored: readonly string[], ref: string }): Promise<StoredState | null> {
  const stored = await storeState(git, { ...input, ...look })
  if (stored !== null) await verifyStored(git, input.worktreePath, stored, look.state)
  return stored
}

/** Points the ref at the snapshot, unless another one came in between. */
async function publish (git: Git, repoRoot: string, { ref, stored }: { ref: string, stored: StoredState }): Promise<void> {
  const { worktreeCommit } = stored.snapshot
  await git(['update-ref', '--create-reflog', '-m', 'rescue', ref, worktreeCommit, stored.previous ?? '0'.repeat(worktreeCommit.length)], {
    cwd: repoRoot, config: [['core.fsync', 'all'], ['core.fsyncMethod', 'fsync']]
  })
  if (await resolveCommit(git, repoRoot, ref) !== worktreeCommit) throw new Error(`${ref} does not hold the snapshot`)
}

async function refuseWorktreesInside (git: Git, input: SnapshotInput): Promise<void> {
  const inside = (await listWorktrees(git, input.repoRoot)).find(tree => tree.path.startsWith(`${input.worktreePath}/`) && !tree.prunable)
  if (inside !== undefined) throw new Error(`another worktree lies inside it, at ${inside.path}`)
}

export interface SameInput {
  /** Where the worktree is now; it may have been renamed since. */
  worktreePath: string
  snapshot: RescueSnapshot
  /** It is on another branch than it was, at the same commit; that is no difference then. */
  otherBranch?: boolean
  signal?: AbortSignal
}

/** Whether the worktree is still exactly what the snapshot holds. Throws RescueFailed when that can't be told. */
export async function sameAsSnapshot (git: Git, input: SameInput): Promise<boolean> {
  return await orRescueFailed(input.worktreePath, async () => await fitsManifest(git, input, await readManifest(git, input.worktreePath, input.snapshot.worktreeCommit)))
}

/**
 * Whether the repository still has the workspace's snapshot under its ref, and the worktree is exactly what `snapshot` holds.
 * Throws RescueFailed when the worktree can't be read.
 */
export async function isStillKept (git: Git, input: SameInput & { repoRoot: string }): Promise<boolean> {
  const { worktreeCommit, workspaceId } = input.snapshot
  const kept = await readKept(git, { repoRoot: input.repoRoot, workspaceId })
  if (kept === null) return false
  if (kept.worktreeCommit !== worktreeCommit) return await sameAsSnapshot(git, input)
  return await orRescueFailed(input.worktreePath, async () => await fitsManifest(git, input, kept.manifest))
}

async function fitsManifest (git: Git, input: SameInput, { rescueIgnored, headSha, parts }: Manifest): Promise<boolean> {
  const state = await readWorkingState(git, { ...input, rescueIgnored })
  const isSameHead = input.otherBranch === true && state.headSha === headSha
  return fingerprintOf(isSameHead ? { ...state.parts, head: parts.head } : state.parts) === input.snapshot.fingerprint
}

export interface SnapshotPlace {
  repoRoot: string
  workspaceId: string
}

/** Whether the workspace has a snapshot that can be read. */
export async function hasSnapshot (git: Git, input: SnapshotPlace): Promise<boolean> {
  return await readSnapshot(git, input) !== null
}

/** The snapshot as the repository itself remembers it, for when the row's copy is lost; null when there is none. */
export async function readSnapshot (git: Git, input: SnapshotPlace): Promise<RescueSnapshot | null> {
  const kept = await readKept(git, input)
  if (kept === null) return null
  const { workspaceId, headSha, branch, counts, files, fileCount, indexCommit, untrackedCommit, takenAt, warnings, parts } = kept.manifest
  return { workspaceId, ref: rescueRef(input.workspaceId), headSha, branch, indexCommit, worktreeCommit: kept.worktreeCommit, untrackedCommit, fingerprint: fingerprintOf(parts), counts, files, fileCount, takenAt, warnings }
}

/** What the workspace's ref points at; null when that is nothing that can be read. */
async function readKept (git: Git, { repoRoot, workspaceId }: SnapshotPlace): Promise<{ worktreeCommit: string, manifest: Manifest } | null> {
  return await readManifestOf(git, repoRoot, rescueRef(workspaceId)).catch(() => null)
}

/** Forgets a workspace's snapshots. True when there was one. */
export async function dropSnapshot (git: Git, input: SnapshotPlace): Promise<boolean> {
  return await dropRescueRef(git, input.repoRoot, rescueRef(input.workspaceId))
}

/** Forgets what one rescue ref holds. True when it was there. Throws a TypeError for another ref. */
export async function dropRescueRef (git: Git, repoRoot: string, ref: string): Promise<boolean> {
  if (!ref.startsWith(`${RESCUE_REF_PREFIX}/`)) throw new TypeError(`not a rescue ref: ${JSON.stringify(ref)}`)
  const found = await resolveCommit(git, repoRoot, ref)
  if (found === null) return false
  await git(['update-ref', '-d', ref, found], { cwd: repoRoot })
  return true
}

/** What a snapshot would hold now; nothing is written. Throws RescueFailed when the worktree can't be read. */
export async function describeSnapshot (git: Git, input: { worktreePath: string, rescueIgnored?: readonly string[] }): Promise<RescueDescription> {
  return await orRescueFailed(input.worktreePath, async () => {
    const { entries } = await readStatus(git, { path: input.worktreePath, ignored: true, renames: false })
    const ignored = await chooseIgnored(input.worktreePath, entries, input.rescueIgnored ?? DEFAULT_RESCUE_IGNORED)
    return describeStatus(entries, ignored.chosen)
  })
}

async function orRescueFailed<T> (worktreePath: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new RescueFailed(`What is in ${worktreePath} could not be secured: ${gitReason(cause)}`, { cause })
  }
}
