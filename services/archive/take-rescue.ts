/** Takes the rescue snapshots of an archive, so that no earlier one is lost by a later one. */
import type { Git } from '../git/exec.ts'
import { isStillKept, rescueRef, takeSnapshot, type RescueSnapshot } from '../git/rescue.ts'
import { stampedName } from '../git/snapshot.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { rowStrategy } from '../workspaces/strategy.ts'
import type { RescueState } from './rescue-record.ts'

export interface RescueInput {
  git: Git
  row: WorkspaceRow
  repoRoot: string
  worktreePath: string
  state: RescueState
  now: () => Date
  signal: AbortSignal
}

/** The globs of ignored files to keep, as an option that may be absent. */
function ignoredOf (row: WorkspaceRow): { rescueIgnored?: readonly string[] } {
  const { rescueIgnored } = rowStrategy(row)
  return rescueIgnored === undefined ? {} : { rescueIgnored }
}

/** Whether the worktree, wherever it stands now, is exactly what the snapshot holds and the repository still has it. */
export async function isStill (input: Pick<RescueInput, 'git' | 'repoRoot' | 'worktreePath' | 'signal'> & { otherBranch?: boolean }, snapshot: RescueSnapshot): Promise<boolean> {
  const { git, ...place } = input
  return await isStillKept(git, { ...place, snapshot })
}

/** Takes a snapshot under a name. What the name held before stays reachable from the new one. */
async function take ({ git, row, repoRoot, worktreePath, signal }: RescueInput, name: string): Promise<RescueSnapshot> {
  return await takeSnapshot(git, { repoRoot, worktreePath, workspaceId: name, signal, ...ignoredOf(row) })
}

/**
 * The snapshot before anything is removed; one that is there and still true is kept, and one of before the commands of an archive that
 * failed, where nobody has worked here since. Where somebody has, that one gets a name of its own among the earlier ones.
 * @throws RescueFailed when it can't be made
 */
export async function takeRescue (input: RescueInput): Promise<RescueSnapshot> {
  const { state, row } = input
  const { snapshot: before, last, beforeCommands } = state.record
  if (before !== null && await isStill(input, before)) {
    await state.set({ last: null, beforeCommands: false })
    return before
  }
  if (before !== null && beforeCommands) {
    if (last !== null && await isStill(input, last)) return before
    await keepApart(input, before)
  }
  const snapshot = await take(input, row.id)
  await state.set({ snapshot, last: null, beforeCommands: false })
  return snapshot
}

/** Gives a snapshot that is about to lose its name another. */
async function keepApart ({ git, row, repoRoot, state }: RescueInput, snapshot: RescueSnapshot): Promise<void> {
  const ref = rescueRef(stampedName(row.id, new Date(snapshot.takenAt)))
  await git(['update-ref', ref, snapshot.worktreeCommit], { cwd: repoRoot })
  if (!state.record.earlierRefs.includes(ref)) await state.set({ earlierRefs: [...state.record.earlierRefs, ref] })
}

/**
 * After the archive's own commands: when they changed the files, a second snapshot of what they left. A restore
 * goes by the first, unless the commands moved HEAD: then only the second fits the branch.
 * @returns what the files must be when they are looked at once more
 */
export async function refreshRescue (input: RescueInput, first: RescueSnapshot): Promise<RescueSnapshot> {
  const { state, row } = input
  if (await isStill(input, first)) return first
  const last = await take(input, `${row.id}-last`)
  if (last.headSha === first.headSha && last.branch === first.branch) await state.set({ last })
  else await state.set({ snapshot: last, last: null, earlierRefs: [...state.record.earlierRefs, first.ref] })
  return last
}

/** A snapshot beside those of the record, for a half-made worktree that is about to be taken away again. */
export async function takeAside (input: RescueInput): Promise<RescueSnapshot> {
  const { state, row, now } = input
  const snapshot = await take(input, stampedName(row.id, now()))
  await state.set({ earlierRefs: [...state.record.earlierRefs, snapshot.ref] })
  return snapshot
}
