/** Gives a worktree whose folder was deleted its folder back, keeping the entry and with it what was staged. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WorktreeMismatch } from '../errors.ts'
import { gitReason, type Git } from './exec.ts'
import { markAsOurs } from './own-mark.ts'

/**
 * Makes `path` (nothing or an empty folder) the folder of the worktree once at `lostPath` and fills it from its index.
 * A new `worktree add` would throw the old entry away, and with it everything that was staged there.
 */
export async function reviveWorktree (git: Git, input: { repoRoot: string, lostPath: string, path: string }): Promise<void> {
  const entry = await findEntry(git, input.repoRoot, input.lostPath)
  const { files } = git
  const made = await files.mkdir(input.path, { recursive: true })
  try {
    await files.writeFile(join(input.path, '.git'), `gitdir: ${entry}\n`, { flag: 'wx' })
    await files.writeFile(join(entry, 'gitdir'), `${join(input.path, '.git')}\n`, {})
    await markAsOurs(input.path, files)
    await git(['checkout-index', '--all', '--quiet'], { cwd: input.path })
    await git(['update-index', '-q', '--refresh'], { cwd: input.path, allowExitCodes: [1] })
  } catch (error) {
    await files.writeFile(join(entry, 'gitdir'), `${join(input.lostPath, '.git')}\n`, {})
    if (made !== undefined) await files.rm(input.path, { recursive: true, force: true })
    throw new WorktreeMismatch(`The worktree could not be given its folder ${input.path} back: ${gitReason(error)}`, { cause: error })
  }
}

/** The entry (`<common>/worktrees/<id>`) that records `worktreePath`. Throws WorktreeMismatch when there is none. */
export async function findEntry (git: Git, repoRoot: string, worktreePath: string): Promise<string> {
  const { stdout } = await git(['rev-parse', '--path-format=absolute', '--git-common-dir'], { cwd: repoRoot })
  const parent = join(stdout.replace(/\n$/, ''), 'worktrees')
  for (const name of await readdir(parent)) {
    const recorded = await readFile(join(parent, name, 'gitdir'), 'utf8').catch(() => '')
    if (recorded.trim() === join(worktreePath, '.git')) return join(parent, name)
  }
  throw new WorktreeMismatch(`git lists a worktree at ${worktreePath}, but has no entry for it`)
}
