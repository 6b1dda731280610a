/** A branch's settings are read and given back to the letter, and never put over others. */
import t from 'tap'
import { readBranchSettings, restoreBranchSettings } from '../../../services/git/branch-settings.ts'
import { createGit } from '../../../services/git/exec.ts'
import { gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

t.test('only those of the very branch, each value of a name, and nothing over what is there by now', async t => {
  const root = await makeRepository(t)
  const set = (name: string, value: string) => runGit(root, 'config', '--add', name, value)
  set('branch.a/b.c.remote', '.')
  set('branch.a/b.c.merge', 'refs/heads/main')
  set('branch.a/b.c.merge', 'refs/heads/other')
  set('branch.a/b.c.description', 'two\nlines = "quoted"')
  set('branch.a/b.remote', 'origin')
  const settings = await readBranchSettings(git, root, 'a/b.c')
  t.same(settings, [['branch.a/b.c.remote', '.'], ['branch.a/b.c.merge', 'refs/heads/main'], ['branch.a/b.c.merge', 'refs/heads/other'], ['branch.a/b.c.description', 'two\nlines = "quoted"']])
  runGit(root, 'config', '--remove-section', 'branch.a/b.c')
  t.same(await readBranchSettings(git, root, 'a/b.c'), [])
  await restoreBranchSettings(git, root, 'a/b.c', settings)
  t.same(await readBranchSettings(git, root, 'a/b.c'), settings)
  await restoreBranchSettings(git, root, 'a/b.c', settings)
  t.same(await readBranchSettings(git, root, 'a/b.c'), settings, 'once')
  await restoreBranchSettings(git, root, 'a/b', [['branch.a/b.remote', 'elsewhere']])
  t.equal(runGit(root, 'config', 'branch.a/b.remote'), 'origin')
})
