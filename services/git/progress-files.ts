/** The files in which git remembers an unfinished rebase, merge or bisect of one worktree, and its own settings. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'

export interface ProgressFile {
  /** Relative to the worktree's git folder. */
  path: string
  content: Buffer
}

/** Files and folders of a worktree's git folder that belong to its state. */
const progressNames = [
  'AUTO_MERGE', 'BISECT_ANCESTORS_OK', 'BISECT_EXPECTED_REV', 'BISECT_FIRST_PARENT', 'BISECT_LOG', 'BISECT_NAMES', 'BISECT_START', 'BISECT_TERMS',
  'CHERRY_PICK_HEAD', 'MERGE_AUTOSTASH', 'MERGE_HEAD', 'MERGE_MODE', 'MERGE_MSG', 'MERGE_RR', 'ORIG_HEAD', 'REBASE_HEAD', 'REVERT_HEAD', 'SQUASH_MSG',
  'config.worktree', 'info/sparse-checkout', 'rebase-apply', 'rebase-merge', 'refs/bisect', 'refs/rewritten', 'refs/worktree', 'sequencer'
]

// A rebase over thousands of commits has a to-do list of some hundred kilobytes; anything larger is not git's.
const MAX_PROGRESS_FILE_BYTES = 8 * 1024 * 1024

/** Reads them from a worktree's git folder, sorted by path. @param files of the git that keeps them */
export async function readProgressFiles (gitDir: string, files: Pick<Files, 'readFile'> = ownFiles): Promise<ProgressFile[]> {
  const found: ProgressFile[] = []
  const queue = [...progressNames]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (path.endsWith('.lock')) continue
    const at = await lstat(join(gitDir, path)).catch(() => null)
    if (at?.isDirectory() === true) queue.push(...(await readdir(join(gitDir, path))).map(name => `${path}/${name}`))
    else if (at?.isFile() === true && at.size <= MAX_PROGRESS_FILE_BYTES) found.push({ path, content: await files.readFile(join(gitDir, path)) })
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1)
}

/** Object ids that the files speak of (commits to go on with, an autostash): they must stay reachable too. */
export function mentionedObjects (files: readonly ProgressFile[]): string[] {
  const found = new Set<string>()
  for (const file of files) {
    for (const [id] of file.content.toString('latin1').matchAll(/\b([0-9a-f]{64}|[0-9a-f]{40})\b/g)) found.add(id)
  }
  return [...found].filter(id => !/^0+$/.test(id))
}
