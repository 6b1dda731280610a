/** What git's configuration says for a checkout. */
import type { Git } from './exec.ts'
import type { HashName } from './index-file.ts'

export interface Settings {
  /** By lower-case key, the last of each; from everywhere git looks. */
  all: Map<string, string>
  /** What the repository's objects are named by. */
  hash: HashName
  /** The repository says itself where its files are, so that it need not be where `.git` is. */
  hasOwnPlace: boolean
}

/** Asks git, which knows of includes and of conditions, by one process. Throws GitFailed. */
export async function readSettings (git: Git, cwd: string): Promise<Settings> {
  const { stdout } = await git(['config', '--list', '--show-scope', '-z'], { cwd })
  const all = new Map<string, string>()
  // Only the repository's own word counts for its form.
  const own = new Map<string, string>()
  const parts = stdout.split('\0')
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [key, value] = toSetting(parts[at + 1] ?? '')
    all.set(key, value)
    if (parts[at] === 'local' || parts[at] === 'worktree') own.set(key, value)
  }
  return { all, hash: own.get('extensions.objectformat')?.toLowerCase() === 'sha256' ? 'sha256' : 'sha1', hasOwnPlace: own.has('core.worktree') }
}

/** One entry of `git config --list -z`; a name without a value means true. */
export function toSetting (entry: string): [name: string, value: string] {
  const end = entry.indexOf('\n')
  return end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
}
