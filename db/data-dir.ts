/** Where data lies when nobody says: not in the working folder, whose tools would wander into the worktrees. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The absolute data dir for a value of BERTH_DATA_DIR; absent or empty: `~/.berth`. */
export function dataDirOf (value: string | undefined): string {
  return resolve(value === undefined || value === '' ? join(homedir(), '.berth') : value)
}
