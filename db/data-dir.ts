/** Where data lies when nobody says, and how the folder is made. */
import { mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/**
 * The absolute data dir for a value of BERTH_DATA_DIR; absent or empty: `~/.berth`, not the working folder,
 * whose tools would wander into the worktrees.
 */
export function dataDirOf (value: string | undefined): string {
  return resolve(value === undefined || value === '' ? join(homedir(), '.berth') : value)
}

const codeOf = (error: unknown) => error instanceof Error && 'code' in error ? error.code : undefined

/**
 * Makes the folder and the parents it lacks, for this user alone; one that is there stays as it is.
 * One level at a time, because Node's recursive `mkdir` never ends where the file system refuses new folders
 * with ENOENT, as /proc does.
 * @throws the error of the first folder that can't be made
 */
export async function makeDataDir (path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    const parent = dirname(path)
    const parentIsThere = await stat(parent).then(() => true, () => false)
    if (codeOf(error) !== 'ENOENT' || parentIsThere) throw error
    await makeDataDir(parent)
    await makeDataDir(path)
  }
}
