/** The `.git` file of a worktree, which names git's entry for it (gitrepository-layout(5)). */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** The entry that the text of `<folder>/.git` names, as an absolute path; null when it names none. Pure. */
export function entryNamedIn (text: string, folder: string): string | null {
  const named = /^gitdir: (.+?)\r?\n?$/.exec(text)?.[1]
  return named === undefined ? null : resolve(folder, named)
}

/** The entry of the worktree at `folder`; null when its `.git` file names none. Throws file system errors. */
export async function readEntryLink (folder: string): Promise<string | null> {
  return entryNamedIn(await readFile(join(folder, '.git'), 'utf8'), folder)
}
