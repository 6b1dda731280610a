/** Signalling a tree where there is no /proc: by tree-kill, and by group for children that lost their parent. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import treeKill from 'tree-kill'

/**
 * Signals the process, its descendants and its group. The caller has made sure that the pid is its
 * own. Resolves when the signals are sent; never throws: who is left shows what failed.
 */
export async function signalTree (pid: number, signal: NodeJS.Signals): Promise<void> {
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return
  // tree-kill gives its `ps` no error listener: without the program it would take this process down.
  if (isOnPath(process.platform === 'darwin' ? 'pgrep' : 'ps')) {
    await new Promise<void>(resolve => treeKill(pid, signal, () => resolve()))
  }
  signalGroup(pid, signal)
}

/** Signals every process of a group at once; false when nothing of it is left or it is not ours to signal. */
export function signalGroup (group: number, signal: NodeJS.Signals | 0): boolean {
  if (!Number.isSafeInteger(group) || group <= 1) return false
  try {
    return process.kill(-group, signal)
  } catch {
    // ESRCH: all gone. EPERM: another user's. Who is left shows it.
    return false
  }
}

function isOnPath (program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      // Not in this folder.
      return false
    }
  })
}
