/** Starting a command: in a session of its own, by a login-free shell, its output to a file or to us. */
import { closeSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CommandNotStarted } from '../errors.ts'
import type { Cgroup } from './cgroup.ts'
import { hostCgroups, type Cgroups } from './cgroups.ts'
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
export async function spawnProcess ({ command, cwd, env, output, group }: SpawnInput, { launch = launchHere, cgroups = hostCgroups }: SpawnDeps = {}): Promise<SpawnedProcess> {
  await requireFolder(cwd)
  if (output !== 'pipe') await requireLog(output.toFile)
  const cgroup = group === undefined ? null : await cgroups.make(group.mark)
  try {
    const limitsProblem = await applyLimits(cgroups, cgroup, group?.limits)
    const begunBefore = countBegun()
    const { stdin, ...begun } = await launch({ file: shell, args: ['-c', entering(cgroup) + command], cwd, env, input: 'none', output })
    return { ...begun, begunBefore, limitsProblem }
  } catch (cause) {
    if (cause instanceof LauncherLost) await terminate({ root: null, mark: env[markVariable] ?? null, graceMs: lostGraceMs }, cgroups)
    await cgroup?.remove()
    throw new CommandNotStarted(`The command could not be started in ${cwd}: ${reasonOf(cause)}`, { cause })
  }
}

/**
 * Shell text by which the shell itself goes into the group before it does anything else, so that nothing of the command ever
 * runs outside. On the same line, so that the shell's messages name the command's own lines; that it works was tried out.
 */
function entering (cgroup: Cgroup | null): string {
  if (cgroup === null) return ''
  const file = `${cgroup.folder}/cgroup.procs`.replaceAll("'", "'\\''")
  return `{ echo $$ >'${file}'; } 2>/dev/null || :; `
}

async function requireFolder (cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => null)
  if (!found?.isDirectory()) {
    throw new CommandNotStarted(`The command could not be started: the folder ${cwd} ${found ? 'is not a folder' : 'does not exist'}`)
  }
}

/** Makes the file, and its folder, where it is missing. */
async function requireLog (path: string): Promise<void> {
  try {
    await inFolder(path, () => closeSync(openSync(path, 'a', 0o600)))
  } catch (cause) {
    throw new CommandNotStarted(`The command could not be started: its log ${path} can not be opened (${reasonOf(cause)})`, { cause })
  }
}

function reasonOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
