/** Finds what repositories in ignored folders hold alone: their files go like all that is ignored, but their commits may be work. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { toDisplay, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import { listTips, type LocalCommits } from './submodules.ts'

export interface IgnoredWork {
  /** Can be kept with the snapshot. */
  commits: LocalCommits[]
  /** What can't be, in words. */
  warnings: string[]
}

/**
 * Looks into the repositories at `folders` of the worktree at `root` for commits on HEAD, branches or the stash that neither a remote nor a
 * tag has: tools that fetch their parts check out a tag. Throws GitFailed for one that git can't read.
 */
export async function findIgnoredWork (git: Git, root: string, folders: readonly BytePath[]): Promise<IgnoredWork> {
  const work: IgnoredWork = { commits: [], warnings: [] }
  for (const path of folders) {
    const cwd = join(root, toDisplay(path))
    const gitDir = join(cwd, '.git')
    // A worktree leaves its commits in the repository that it is one of.
    if ((await lstat(gitDir).catch(() => null))?.isDirectory() !== true) continue
    const place = { cwd, env: { GIT_DIR: gitDir, GIT_WORK_TREE: cwd } }
    const { exitCode } = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { ...place, allowExitCodes: [1, 128] })
    // Without a commit there is none to lose; one that is damaged is like any other ignored folder.
    if (exitCode !== 0) continue
    const own = await git(['rev-list', '--max-count=1', 'HEAD', '--branches', '--glob=refs/stash', '--not', '--remotes', '--tags', '--'], place)
    if (own.stdout === '') continue
    const shallow = await git(['rev-parse', '--is-shallow-repository'], place)
    if (shallow.stdout.trim() === 'true') work.warnings.push(`The own commits of the repository ${toDisplay(path)} are not kept: it is a shallow clone`)
    else work.commits.push({ path, kind: 'repository', tips: await listTips(git, place, ['refs/heads', 'refs/stash']) })
  }
  return work
}
