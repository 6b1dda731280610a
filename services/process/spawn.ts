/** Starting a command: in a session of its own, by a login-free shell, its output to a file or to us. */
import { closeSync, fchownSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { CommandNotStarted } from '../errors.ts'
import { cgroupEntry } from './cgroup-entry.ts'
import { hostCgroups, type Cgroups } from './cgroups.ts'
import type { ChildUser } from './child-user.ts'
import { inFolder } from './in-folder.ts'
import { launchHere, LauncherLost, type Launch, type Launched } from './launch.ts'
import { applyLimits, type Limits } from './limits.ts'
import { countBegun } from './pid-order.ts'
import { terminate } from './terminate.ts'
import { markVariable, type ProcessIdentity } from './tree.ts'

export type { ProcessExit } from './launch.ts'

/** No profile or rc file is read by `sh -c`. */
export const shell = '/bin/sh'

export interface SpawnInput {
  /** Shell text, run as `/bin/sh -c`. */
  command: string
  cwd: string
  /** The whole environment: nothing of this process's own is added. */
  env: Record<string, string>
  /** A file both streams are appended to by the kernel, or pipes to this process. */
  output: { toFile: string } | 'pipe'
  /** Whom it runs as; absent or null: as this process. */
  user?: ChildUser | null | undefined
  /**
   * Where the host allows it, the process and all it starts stay in a control group of this mark, within these limits. The
   * kernel takes some 10 ms to move a process there, so only what has limits is given one.
   */
  group?: { mark: string, limits?: Limits | undefined } | undefined
}

/** A started process: the leader of its own session and group, named for good by pid and start time. */
export interface SpawnedProcess extends ProcessIdentity, Omit<Launched, 'stdin'> {
  /** A sentence on limits that were asked for and are not enforced on this host; null when there are none such. */
  limitsProblem: string | null
}

/** What a command is started by, beside itself. */
export interface SpawnDeps {
  launch?: Launch
  cgroups?: Cgroups
}

/** Of a process whose start was asked for and not answered: it gets no long farewell. */
const lostGraceMs = 500

/**
 * Starts `command`; its standard input is empty.
 * @throws CommandNotStarted when the folder is missing, the log can't be opened or the system refuses
 */
export async function spawnProcess ({ command, cwd, env, output, user = null, group }: SpawnInput, { launch = launchHere, cgroups = hostCgroups }: SpawnDeps = {}): Promise<SpawnedProcess> {
  if (output !== 'pipe') await requireLog(output.toFile, user)
  const cgroup = group === undefined ? null : await cgroups.make(group.mark, user)
  try {
    const limitsProblem = await applyLimits(cgroups, cgroup, group?.limits, user)
    const begunBefore = countBegun()
    const { text, opens } = cgroupEntry(cgroup, user)
    const { stdin, ...begun } = await launch({ file: shell, args: ['-c', text + command], cwd, env, input: 'none', output, user, opens })
    return { ...begun, begunBefore, limitsProblem }
  } catch (cause) {
    if (cause instanceof LauncherLost) await terminate({ root: null, mark: env[markVariable] ?? null, graceMs: lostGraceMs }, cgroups)
    await cgroup?.remove()
    await requireFolder(cwd)
    throw new CommandNotStarted(`The command could not be started in ${cwd}: ${reasonOf(cause)}`, { cause })
  }
}

/** The system says the same of a missing folder as of a missing program: this tells them apart. */
async function requireFolder (cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => null)
  if (!found?.isDirectory()) {
    throw new CommandNotStarted(`The command could not be started: the folder ${cwd} ${found ? 'is not a folder' : 'does not exist'}`)
  }
}

/** Makes the file, and its folder, where it is missing. */
async function requireLog (path: string, user: ChildUser | null): Promise<void> {
  try {
    const fd = await inFolder(path, () => openSync(path, 'a', 0o600))
    // Its own output: programs that open /dev/stdout or /dev/stderr need the right to. Its folder stays closed to the user.
    if (user !== null && path !== devNull) fchownSync(fd, user.uid, user.gid)
    closeSync(fd)
  } catch (cause) {
    throw new CommandNotStarted(`The command could not be started: its log ${path} can not be opened (${reasonOf(cause)})`, { cause })
  }
}

function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
