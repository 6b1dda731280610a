/** Work that is only in a submodule is found, also in one inside another. */
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findSubmoduleWork } from '../../../services/git/submodules.ts'
import { createGit } from '../../../services/git/exec.ts'
import { commitAll, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })
const anywhere = ['-c', 'protocol.file.allow=always']

t.test('changes, files, commits and stashes at any depth; nothing where nothing is checked out', async t => {
  const inner = await makeRepository(t)
  const middle = await makeRepository(t)
  runGit(middle, ...anywhere, 'submodule', '--quiet', 'add', inner, 'inner')
  commitAll(middle, 'with inner')
  const root = await makeRepository(t)
  runGit(root, ...anywhere, 'submodule', '--quiet', 'add', middle, 'middle')
  const look = () => findSubmoduleWork(git, root, ['middle', 'not-checked-out'])
  t.same(await look(), { populated: ['middle'], repositories: [runGit(join(root, 'middle'), 'rev-parse', '--absolute-git-dir')], commits: [], reasons: [] })
  runGit(root, ...anywhere, 'submodule', '--quiet', 'update', '--init', '--recursive')
  t.same((await look()).reasons, [])
  const path = join(root, 'middle/inner')
  writeFileSync(join(path, 'new'), 'new')
  t.match((await look()).reasons, [/inner has changes/])
  runGit(path, 'stash', '--include-untracked', '--quiet')
  t.match((await look()).reasons, [/inner has a stash or a tag/], 'a stash is in no branch')
  runGit(path, 'stash', 'drop', '--quiet')
  runGit(path, 'commit', '--allow-empty', '--quiet', '--message', 'only here')
  t.match(await look(), { reasons: [/middle has changes/], commits: [{ path: 'middle/inner', tips: [{ ref: 'HEAD', sha: runGit(path, 'rev-parse', 'HEAD') }, { ref: 'refs/heads/main' }] }] })
})

t.test('a file that git was told not to look at is a reason', async t => {
  const inner = await makeRepository(t)
  const root = await makeRepository(t)
  runGit(root, ...anywhere, 'submodule', '--quiet', 'add', inner, 'inner')
  const path = join(root, 'inner')
  runGit(path, 'update-index', '--assume-unchanged', 'README.md')
  writeFileSync(join(path, 'README.md'), 'changed')
  t.match((await findSubmoduleWork(git, root, ['inner'])).reasons, [/inner has files that git was told not to look at/])
  runGit(path, 'update-index', '--no-assume-unchanged', 'README.md')
  runGit(path, 'update-index', '--skip-worktree', 'README.md')
  t.match((await findSubmoduleWork(git, root, ['inner'])).reasons, [/inner has files that git was told not to look at/])
  unlinkSync(join(path, 'README.md'))
  t.same((await findSubmoduleWork(git, root, ['inner'])).reasons, [], 'a sparse checkout has none of it')
})
