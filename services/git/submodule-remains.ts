/** Finds what submodules leave where git does not look: files where one is not checked out, repositories of those that no longer are. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import type { Git } from './exec.ts'
import { repositoryInside } from './status.ts'
import { localTips, otherWork, type SubmoduleWork } from './submodules.ts'

// Somebody who put more than this into the folder of a submodule did not do it by hand.
const MAX_FILES = 20_000

/**
 * Files and links below the folders of submodules that are not checked out: git passes over all of them, ignored or not.
 * Throws an Error in words for a repository among them, and where there are too many.
 */
export async function listLooseFiles (root: string, submodules: readonly BytePath[]): Promise<BytePath[]> {
  const found: BytePath[] = []
  for (const submodule of submodules) {
    if (await isThere(toFsPath(root, `${submodule}/.git`))) continue
    const queue = (await lstat(toFsPath(root, submodule)).catch(() => null))?.isDirectory() === true ? [submodule] : []
    for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
      const at = folder
      const entries = (await readdir(toFsPath(root, at), { withFileTypes: true, encoding: 'latin1' })).map(entry => ({ entry, path: `${at}/${entry.name}` }))
      if (entries.some(({ entry }) => entry.name === '.git')) throw new Error(repositoryInside(`${at}/`))
      queue.push(...entries.filter(({ entry }) => entry.isDirectory()).map(({ path }) => path))
      found.push(...entries.filter(({ entry }) => entry.isFile() || entry.isSymbolicLink()).map(({ path }) => path))
      if (found.length > MAX_FILES) throw new Error(`the submodule ${toDisplay(submodule)} is not checked out, and there are too many files at its place to be kept`)
    }
  }
  return found
}

/**
 * What the repositories of submodules hold alone that are not checked out any more (`git submodule deinit`, another branch): they lie in
 * git's entry of the worktree, and go with it.
 * @param checkedOut git folders of those that are, absolute
 */
export async function findLeftRepositories (git: Git, gitDir: string, checkedOut: readonly string[]): Promise<Pick<SubmoduleWork, 'commits' | 'reasons'>> {
  const work: Pick<SubmoduleWork, 'commits' | 'reasons'> = { commits: [], reasons: [] }
  const modules = join(gitDir, 'modules')
  for (const name of await listRepositories(modules, '')) {
    const from = join(modules, name)
    if (checkedOut.includes(from)) continue
    const place = { cwd: from, env: { GIT_DIR: from, GIT_WORK_TREE: from } }
    const path = Buffer.from(name.replaceAll('/modules/', '/')).toString('latin1')
    const tips = await localTips(git, place)
    if (await otherWork(git, place)) work.reasons.push(`the submodule ${toDisplay(path)}, which is not checked out any more, has a stash or a tag with commits that none of its remotes is known to have`)
    else if (tips.length > 0) work.commits.push({ path, tips, from })
  }
  return work
}

/** Names of the git folders below, those of submodules inside submodules too; a name may have slashes. */
async function listRepositories (modules: string, prefix: string): Promise<string[]> {
  const found: string[] = []
  const entries = await readdir(join(modules, prefix), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const entry of entries.filter(entry => entry.isDirectory())) {
    const name = join(prefix, entry.name)
    const isRepository = await isThere(join(modules, name, 'HEAD')) && await isThere(join(modules, name, 'objects'))
    if (isRepository) found.push(name)
    found.push(...await listRepositories(modules, isRepository ? join(name, 'modules') : name))
  }
  return found
}

async function isThere (path: string | Buffer): Promise<boolean> {
  return await lstat(path).then(() => true, () => false)
}
