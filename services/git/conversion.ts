/** Tells where git would change bytes between index and disk (line ends, filters, keywords), and whether it would do so exactly. */
import { lstat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { baseNameOf, toDisplay, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import type { FileState } from './file-state.ts'
import { objectHash } from './make-objects.ts'
import type { Settings } from './settings.ts'

// A changed file up to this size is stored as it is, whatever a filter would make of it; above, the filter is asked first,
// so that a repository of large media files is not stored a second time.
const ASK_FILTER_ABOVE_BYTES = 1024 * 1024

/**
 * Whether settings or attributes outside the checkout could make files differ between index and disk without git calling
 * them changed: line ends, filters, or modes and links that git was told to overlook. Errs on the side of yes.
 */
export async function settingsConvert ({ all: config }: Pick<Settings, 'all'>, commonDir: string): Promise<boolean> {
  if ((config.get('core.autocrlf') ?? 'false') !== 'false' || config.has('core.attributesfile')) return true
  if (config.get('core.filemode') === 'false' || config.get('core.symlinks') === 'false') return true
  const places = [join(commonDir, 'info', 'attributes'), join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'git', 'attributes'), '/etc/gitattributes']
  const found = await Promise.all(places.map(path => lstat(path).then(() => true, () => false)))
  return found.includes(true)
}

/** Whether one of `paths` is an attributes file. */
export function hasAttributes (paths: readonly BytePath[]): boolean {
  return paths.some(path => baseNameOf(path) === '.gitattributes')
}

/** Whether git's filters make exactly `file` from the blob `sha`: only asked for large files, false for the rest. */
export async function smudgesToDisk (git: Git, root: string, sha: string, file: FileState): Promise<boolean> {
  return file.bytes > ASK_FILTER_ABOVE_BYTES && await isMadeOf(git, root, sha, file)
}

/** Whether git, checking out the blob `sha` at the file's path, makes exactly this file of it; false for a link. */
export async function isMadeOf (git: Git, root: string, sha: string, file: FileState): Promise<boolean> {
  if (file.mode === '120000') return false
  const digest = objectHash(file.sha.length === 40 ? 'sha1' : 'sha256', 'blob', file.bytes)
  const onStdout = (chunk: Buffer) => { digest.update(chunk) }
  const made = await git.bytes(['cat-file', '--filters', `--path=${toDisplay(file.path)}`, sha], { cwd: root, onStdout }).catch(() => null)
  return made !== null && digest.digest('hex') === file.sha
}
