/** Reads a stored snapshot back from the object database and compares it with what it should hold. */
import { toDisplay } from './byte-path.ts'
import type { Git } from './exec.ts'
import type { FileState } from './file-state.ts'
import { blobHash, readBlobs, readTree, type TreeEntry } from './objects.ts'
import type { StoredState } from './store-state.ts'
import type { WorkingState } from './working-state.ts'

/**
 * Verifies that every tree lists exactly what was meant, that nothing the snapshot adds to HEAD is missing, and that each file
 * read from disk comes back from the object database with the same bytes. Throws an Error naming the first difference.
 */
export async function verifyStored (git: Git, cwd: string, stored: StoredState, state: WorkingState): Promise<void> {
  for (const { treeish, entries } of stored.trees) compareTree(await readTree(git, cwd, treeish), entries)
  const known = state.headSha === null ? [] : ['--not', state.headSha]
  await git(['rev-list', '--objects', '--quiet', stored.snapshot.worktreeCommit, ...known, '--'], { cwd })
  await compareContents(git, cwd, [...state.changed, ...state.untracked, ...state.ignored], state)
}

function compareTree (found: readonly TreeEntry[], meant: readonly TreeEntry[]): void {
  const left = new Map(found.map(entry => [entry.path, entry]))
  for (const entry of meant) {
    const other = left.get(entry.path)
    if (other?.sha !== entry.sha || other.mode !== entry.mode) throw new Error(`${toDisplay(entry.path)} was not stored as it is`)
    left.delete(entry.path)
  }
  const [extra] = left.keys()
  if (extra !== undefined) throw new Error(`${toDisplay(extra)} was stored although it is not there`)
}

/** Reads the blobs back: an object that existed before, but is damaged, would otherwise be relied on. */
async function compareContents (git: Git, cwd: string, files: readonly FileState[], state: WorkingState): Promise<void> {
  const ids = [...new Set(files.map(file => file.sha))]
  await readBlobs(git, cwd, ids, (sha, size, at) => {
    const digest = blobHash(state.hash, size)
    return {
      chunk: bytes => { digest.update(bytes) },
      end: () => {
        if (digest.digest('hex') !== sha || ids[at] !== sha) throw new Error(`The object ${sha} does not hold what was stored`)
      }
    }
  })
}
