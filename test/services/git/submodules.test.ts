/** Work that is only in a submodule is found, also in one inside another. */
import { writeFileSync } from 'node:fs'
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
  t.same(await look(), { populated: ['middle'], commits: [], reasons: [] })
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
