import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { isMarkedAsOurs, markAsOurs } from '../../../services/git/own-mark.ts'
import { addWorktree, removeWorktree } from '../../../services/git/worktrees.ts'
import { gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('a worktree that this service adds is marked, one that a person adds is not', async t => {
  const repo = await makeRepository(t)
  const folder = await temporaryFolder(t)
  const git = createGit({ env: gitTestEnv })
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')]
  await addWorktree(git, { repoRoot: repo, path: ours, branch: 'ours', baseSha: runGit(repo, 'rev-parse', 'HEAD').trim() })
  runGit(repo, 'worktree', 'add', '--quiet', '-b', 'theirs', theirs)
  t.equal(await isMarkedAsOurs(ours), true)
  t.equal(await isMarkedAsOurs(theirs), false)
  t.equal(runGit(ours, 'status', '--porcelain'), '', 'nothing of it is in the worktree')
  t.equal(runGit(repo, 'fsck', '--no-dangling').trim(), '')

  await markAsOurs(theirs)
  t.equal(await isMarkedAsOurs(theirs), true)
  await removeWorktree(git, { repoRoot: repo, path: theirs })
  t.equal(await isMarkedAsOurs(theirs), false, 'it goes with the entry')
})

t.test('what is no worktree is not marked', async t => {
  const folder = await temporaryFolder(t)
  t.equal(await isMarkedAsOurs(folder), false)
  await writeFile(join(folder, '.git'), 'nothing\n')
  t.equal(await isMarkedAsOurs(folder), false)
  await t.rejects(markAsOurs(folder), /does not name an entry/)
})
