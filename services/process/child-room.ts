/** Makes a host fit for commands that run as another user, and finds out whether it is. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, constants, lstat, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { idsOf, UnusableUser, type ChildUser } from './child-user.ts'
import type { Files } from './files.ts'

export interface ChildRoomInput {
  user: ChildUser
  /** As that user. */
  files: Pick<Files, 'access'>
  /** It is there. */
  dataDir: string
}

/** In such a folder, as /tmp is, only its owner moves a thing (chmod(2), S_ISVTX). */
const sticky = 0o1000

/**
 * Gives the user a folder for worktrees in the data dir, closes all others in it to everybody else, and tries out what running
 * as the user needs. Only then can the data dir be passed through, though not listed.
 * @throws UnusableUser when that can't be had here
 */
export async function makeChildRoom (input: ChildRoomInput): Promise<void> {
  const { user, files, dataDir } = input
  if (process.geteuid?.() !== 0) throw new UnusableUser('needs the service to be run by root: nobody else can start a process as another user')
  await tryOut(user)
  await requireOwnDataDir(input)
  await closeFolders(dataDir)
  const worktrees = join(dataDir, 'worktrees')
  await mkdir(worktrees, { recursive: true, mode: 0o700 })
  await chown(worktrees, user.uid, user.gid)
  await chmod(dataDir, (await stat(dataDir)).mode & 0o700 | 0o011)
  if (!await mayWrite(files, worktrees)) throw new UnusableUser(`names ${user.name}, who can not reach ${worktrees}: choose a BERTH_DATA_DIR in folders that this user may enter`)
  if (!await mayWrite(files, tmpdir())) throw new UnusableUser(`names ${user.name}, who may not write in ${tmpdir()}: set TMPDIR to a folder where everybody may`)
}

/** Who owns the data dir, something in it, or may put something else in its place, could lead the service's own work astray. */
async function requireOwnDataDir ({ user, files, dataDir }: ChildRoomInput): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (name !== 'worktrees') await refuseOwned(user, join(dataDir, name))
  }
  await refuseOwned(user, dataDir)
  for (let folder = await realpath(dataDir); folder !== dirname(folder);) {
    folder = dirname(folder)
    const { mode } = await stat(folder)
    await refuseOwned(user, folder)
    if ((mode & sticky) === 0 && await mayWrite(files, folder)) throw new UnusableUser(`names ${user.name}, who may write in ${folder}, above the data dir: choose another BERTH_DATA_DIR`)
  }
}

async function refuseOwned (user: ChildUser, path: string): Promise<void> {
  if ((await lstat(path)).uid === user.uid) throw new UnusableUser(`names ${user.name}, who owns ${path}: what is the service's must not be that user's (chown it to root, with what is in it)`)
}

/** Worktrees are the user's; older folders may have been left readable, since nobody else came as far as here. */
async function closeFolders (dataDir: string): Promise<void> {
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== 'worktrees') await chmod(join(dataDir, entry.name), 0o700)
  }
}

async function mayWrite (files: ChildRoomInput['files'], folder: string): Promise<boolean> {
  try {
    await files.access(folder, constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

/** A process of the user's must start, and be known by its environment: it is how all that was started is found again. */
async function tryOut (user: ChildUser): Promise<void> {
  const child = spawn('/bin/sh', ['-c', 'read -r _'], { cwd: '/', env: {}, stdio: ['pipe', 'ignore', 'ignore'], ...idsOf(user) })
  const ended = once(child, 'close')
  try {
    await once(child, 'spawn')
  } catch (cause) {
    // The failed start is told twice.
    ended.catch(() => {})
    throw new UnusableUser(`names ${user.name}, and no process can be started as that user here (it takes the capabilities SETUID and SETGID)`, { cause })
  }
  try {
    await readFile(`/proc/${child.pid ?? 0}/environ`)
  } catch (cause) {
    throw new UnusableUser(`names ${user.name}, whose processes can not be told apart here: reading their environment takes the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE)`, { cause })
  } finally {
    child.stdin.end('\n')
    await ended
  }
}
