/** Reads a stored snapshot back from the object database and compares it with what it should hold. */
import type { Git } from './exec.ts'
import { objectHash } from './make-objects.ts'
import { readObjects } from './objects.ts'
import type { StoredState } from './store-state.ts'
import type { WorkingState } from './working-state.ts'

/**
 * Verifies that every tree, commit and file of the snapshot comes back from the object database with the bytes it was made of, and
 * that nothing else it adds to HEAD is missing. Throws an Error naming the first difference.
 */
export async function verifyStored (git: Git, cwd: string, stored: StoredState, state: Pick<WorkingState, 'hash' | 'headSha'>): Promise<void> {
  const known = state.headSha === null ? [] : ['--not', state.headSha]
  const outcomes = await Promise.allSettled([
    compareContents(git, cwd, stored.objects, state),
    git(['rev-list', '--objects', '--quiet', stored.snapshot.worktreeCommit, ...known, '--'], { cwd })
  ])
  const failure = outcomes.find(outcome => outcome.status === 'rejected')
  if (failure !== undefined) throw failure.reason
}

/**
 * The ids were made here, of what is meant: that the same bytes come back says that each tree lists what it should. An object that
 * existed before, but is damaged, would otherwise be relied on.
 */
async function compareContents (git: Git, cwd: string, objects: StoredState['objects'], { hash }: Pick<WorkingState, 'hash'>): Promise<void> {
  await readObjects(git, cwd, objects, (id, size, at) => {
    const meant = objects[at]
    const digest = objectHash(hash, meant?.type ?? 'blob', size)
    return {
      chunk: bytes => { digest.update(bytes) },
      end: () => {
        if (digest.digest('hex') !== id || meant?.id !== id) throw new Error(`The object ${id} does not hold what was stored`)
      }
    }
  })
}
