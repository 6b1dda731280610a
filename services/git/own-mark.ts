/** The mark in git's entry of a worktree that says who added it: a recorded path can be made to lead to anybody's worktree. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ownFiles, type Files } from '../process/files.ts'
import { readEntryLink } from './worktree-link.ts'

/** Beside git's own files of the entry; git leaves it alone and removes it with the entry. */
const markFile = 'added-by-berth'

/** Marks the worktree at `path` as added by this service. Throws when its entry can't be written. @param files of the git that added it */
export async function markAsOurs (path: string, files: Pick<Files, 'writeFile'> = ownFiles): Promise<void> {
  const entry = await readEntryLink(path)
  if (entry === null) throw new Error(`${join(path, '.git')} does not name an entry`)
  await files.writeFile(join(entry, markFile), 'This worktree was added by Berth, which may remove it.\n', {})
}

/** Whether this service has added the worktree at `path`; false where that can't be read. */
export async function isMarkedAsOurs (path: string): Promise<boolean> {
  const entry = await readEntryLink(path).catch(() => null)
  return entry !== null && await stat(join(entry, markFile)).then(found => found.isFile(), () => false)
}
