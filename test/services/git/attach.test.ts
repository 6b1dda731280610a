/** A branch that is not as it was is left alone, and a free name is found instead of it. */
import { renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { attachSnapshot, branchInstead } from '../../../services/git/attach.ts'
import { createGit } from '../../../services/git/exec.ts'
import { gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('the reasons for another branch, and its name', async t => {
  const repoRoot = await makeRepository(t)
  const worktreePath = join(dirname(repoRoot), 'tree')
  const main = runGit(repoRoot, 'rev-parse', 'main')
  runGit(repoRoot, 'commit', '--quiet', '--allow-empty', '--message', 'later')
  const later = runGit(repoRoot, 'rev-parse', 'main')
  const instead = async (branch: string, headSha: string | null) => await branchInstead(git, { repoRoot, worktreePath, branch, headSha })
  t.equal(await instead('gone', main), null, 'one that is gone is made again')
  runGit(repoRoot, 'branch', 'same', main)
  t.equal(await instead('same', main), null)
  t.same(await instead('same', later), { name: 'same-restored', reason: `the branch same has moved on since, from ${later} to ${main}` })
  t.match(await instead('same', null), { reason: `the branch same has moved on since, from no commit to ${main}` })
  t.same(await instead('main', later), { name: 'main-restored', reason: `the branch main is checked out at ${repoRoot}` })
  runGit(repoRoot, 'branch', 'same-restored', main)
  runGit(repoRoot, 'branch', 'same-restored-2', main)
  t.match(await instead('same', later), { name: 'same-restored-3' })

  t.same(await attachSnapshot(git, { repoRoot, worktreePath, snapshot: { branch: 'same', headSha: later, worktreeCommit: later }, branch: 'same-restored-3' }), { branchCreated: true })
  t.equal(runGit(worktreePath, 'symbolic-ref', 'HEAD'), 'refs/heads/same-restored-3')
  t.equal(runGit(worktreePath, 'rev-parse', 'HEAD'), later)
  t.equal(runGit(repoRoot, 'rev-parse', 'same'), main, 'the old one is left alone')
  t.equal(await instead('same-restored-3', later), null, 'its own worktree does not stand in its way')
})

t.test('a worktree elsewhere whose folder is away keeps its branch and what git knows of it', async t => {
  const repoRoot = await makeRepository(t)
  const worktreePath = join(dirname(repoRoot), 'tree')
  const elsewhere = join(dirname(repoRoot), 'on-another-disk')
  const headSha = runGit(repoRoot, 'rev-parse', 'main')
  runGit(repoRoot, 'worktree', 'add', '--quiet', '-b', 'work', elsewhere, 'main')
  writeFileSync(join(elsewhere, 'new'), 'staged there\n')
  runGit(elsewhere, 'add', 'new')
  renameSync(elsewhere, `${elsewhere}.unplugged`)
  t.match(await branchInstead(git, { repoRoot, worktreePath, branch: 'work', headSha }), { name: 'work-restored', reason: `the branch work is checked out at ${elsewhere}` })
  const snapshot = { branch: 'work', headSha, worktreeCommit: headSha }
  t.match(await rejectionOf(attachSnapshot(git, { repoRoot, worktreePath, snapshot })), { code: 'restore_failed', detail: /git still lists a worktree of it at/ })
  await attachSnapshot(git, { repoRoot, worktreePath, snapshot, branch: 'work-restored' })
  renameSync(`${elsewhere}.unplugged`, elsewhere)
  t.equal(runGit(elsewhere, 'status', '--porcelain'), 'A  new')
})
