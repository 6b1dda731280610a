/** Makes sure that nothing is kept only inside a submodule: its files and commits would go with the worktree. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'

/** The paths of the submodules in the index of the checkout at `cwd`. */
export async function listSubmodules (git: Git, cwd: string): Promise<BytePath[]> {
  const { stdout } = await git.bytes(['ls-files', '--stage', '-z'], { cwd })
  return [...new Set(stdout.toString('latin1').split('\0').filter(line => line.startsWith('160000 ')).map(line => line.slice(line.indexOf('\t') + 1)))]
}

/**
 * Looks into the submodules at `paths` of the worktree at `root` (those not checked out hold nothing) and gives a reason for
 * each that holds what its remote does not have: changes, untracked files, commits or stashes.
 */
export async function findSubmoduleWork (git: Git, root: string, paths: readonly BytePath[]): Promise<{ populated: BytePath[], reasons: string[] }> {
  const populated: BytePath[] = []
  const reasons: string[] = []
  for (const path of paths) {
    const isPopulated = await lstat(toFsPath(root, `${path}/.git`)).then(() => true, () => false)
    if (!isPopulated) continue
    populated.push(path)
    const cwd = join(root, toDisplay(path))
    const { stdout } = await git(['status', '--porcelain', '--untracked-files=all', '--ignore-submodules=none'], { cwd })
    const local = await git(['rev-list', '--max-count=1', 'HEAD', '--all', '--not', '--remotes', '--'], { cwd })
    if (stdout !== '') reasons.push(`the submodule ${toDisplay(path)} has changes of its own`)
    else if (local.stdout !== '') reasons.push(`the submodule ${toDisplay(path)} has commits that none of its remotes is known to have`)
    reasons.push(...(await findSubmoduleWork(git, cwd, await listSubmodules(git, cwd))).reasons)
  }
  return { populated, reasons }
}
