/** What decides on how objects are named, and where files are, is the repository's own word. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { readSettings } from '../../../services/git/settings.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

t.test('settings of everywhere are read, the last of each', async t => {
  const root = await makeRepository(t)
  runGit(root, 'config', 'Core.AutoCRLF', 'input')
  runGit(root, 'config', '--add', 'core.autocrlf', 'true')
  runGit(root, 'config', 'alias.two', 'log\n--oneline')
  writeFileSync(join(root, '.git', 'config'), '[berth]\n\tbare\n', { flag: 'a' })
  const { all, hash, hasOwnPlace } = await readSettings(git, addTestWorktree(root, 'work'))
  t.match([all.get('core.autocrlf'), all.get('alias.two'), all.get('berth.bare')], ['true', 'log\n--oneline', 'true'])
  t.match({ hash, hasOwnPlace }, { hash: 'sha1', hasOwnPlace: false })
})

t.test('the form of the ids is the repository\'s own, whatever the user\'s settings say', async t => {
  const root = await makeRepository(t)
  const theirs = createGit({ env: { ...gitTestEnv, GIT_CONFIG_GLOBAL: join(root, 'global') } })
  writeFileSync(join(root, 'global'), '[extensions]\n\tobjectFormat = sha256\n[core]\n\tworktree = /elsewhere\n')
  t.match(await readSettings(theirs, root), { hash: 'sha1', hasOwnPlace: false })
  const other = join(root, 'other')
  runGit(root, 'init', '--quiet', '--object-format=sha256', other)
  t.equal((await readSettings(git, other)).hash, 'sha256')
})

t.test('a place of its own is noticed, also where it is that of one worktree', async t => {
  const root = await makeRepository(t)
  runGit(root, 'config', 'extensions.worktreeConfig', 'true')
  const tree = addTestWorktree(root, 'work')
  runGit(tree, 'config', '--worktree', 'core.worktree', tree)
  t.equal((await readSettings(git, tree)).hasOwnPlace, true)
  t.equal((await readSettings(git, root)).hasOwnPlace, false)
})
