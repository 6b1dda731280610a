/** Looks through the data dir for worktrees and folders, those of workspaces among them: whoever knows the workspaces tells them apart. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsence } from '../workspaces/local-paths.ts'

export interface FoundFolder {
  path: string
  /** `worktree` of a repository elsewhere, `repository` of its own, or a plain `folder`. */
  kind: 'worktree' | 'repository' | 'folder'
}

/** A branch has at most this many pieces between its slashes: 120 characters. */
const maxDepth = 61

/**
 * The topmost folders below `<data dir>/worktrees/<project>` that hold anything but folders. Links are not followed;
 * what is empty is not told, and what can't be read neither.
 */
export async function findFolders (dataDir: string): Promise<FoundFolder[]> {
  const found: FoundFolder[] = []
  const root = join(dataDir, 'worktrees')
  const queue = (await entriesOf(root)).filter(entry => entry.isDirectory()).map(({ name }) => ({ path: join(root, name), depth: 0 }))
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { path, depth } = next
    const entries = await entriesOf(path)
    const git = entries.find(({ name }) => name === '.git')
    if (depth > 0 && git !== undefined) found.push({ path, kind: git.isDirectory() ? 'repository' : 'worktree' })
    else if (depth > 0 && (depth === maxDepth || entries.some(entry => !entry.isDirectory()))) found.push({ path, kind: 'folder' })
    else queue.push(...entries.filter(entry => entry.isDirectory()).map(({ name }) => ({ path: join(path, name), depth: depth + 1 })))
  }
  return found.toSorted((a, b) => a.path < b.path ? -1 : 1)
}

async function entriesOf (path: string) {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isAbsence(error) || (error instanceof Error && 'code' in error && error.code === 'EACCES')) return []
    throw error
  }
}
