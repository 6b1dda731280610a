/** How a shell goes into its control group before it does anything else, so that nothing of a command ever runs outside. */
import { join } from 'node:path'
import type { Cgroup } from './cgroup.ts'
import type { ChildUser } from './child-user.ts'

export interface CgroupEntry {
  /** The shell command that goes in; its exit code says whether that worked. */
  command: string
  /** The same as text to put before a command, on its line: the shell's messages name the command's own lines. */
  text: string
  /** The file that the shell must have open as its descriptor 3; null: none. */
  opens: string | null
}

/**
 * A shell of this process's own user writes its id itself; that the kernel takes it was tried out (`Cgroups.problem`). One of
 * another user gets the open file: the kernel asks who opened it (cgroup_procs_write_start, since Linux 5.16 and its
 * stable series), for the right to move a process is one on the group that it comes from too, which is not to be given away.
 */
export function cgroupEntry (group: Cgroup | null, user: ChildUser | null): CgroupEntry {
  if (group === null) return { command: '', text: '', opens: null }
  const file = join(group.folder, 'cgroup.procs')
  if (user === null) {
    const command = `echo $$ >'${file.replaceAll("'", "'\\''")}'`
    return { command, text: `{ ${command}; } 2>/dev/null || :; `, opens: null }
  }
  const command = 'echo $$ >&3'
  return { command, text: `{ ${command}; } 2>/dev/null || :; exec 3>&-; `, opens: file }
}
