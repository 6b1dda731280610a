/** A worktree that can't be given its folder back is left as it was. */
import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { findEntry, reviveWorktree } from '../../../services/git/revive.ts'
import { listWorktrees } from '../../../services/git/worktrees.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('the entry is found by the recorded path', async t => {
  const root = await makeRepository(t)
  const tree = addTestWorktree(root, 'work')
  t.equal(await findEntry(git, root, tree), runGit(tree, 'rev-parse', '--absolute-git-dir'))
  t.match(await rejectionOf(findEntry(git, root, join(dirname(root), 'never'))), { code: 'worktree_mismatch' })
})

t.test('when the files can not be checked out, the folder goes and the entry keeps its old place', async t => {
  const root = await makeRepository(t, { files: { '.gitattributes': '*.x filter=f\n', 'a.x': 'a' } })
  const tree = addTestWorktree(root, 'work')
  rmSync(tree, { recursive: true })
  runGit(root, 'config', 'filter.f.smudge', 'false')
  runGit(root, 'config', 'filter.f.required', 'true')
  const path = join(dirname(root), 'new-place')
  t.match(await rejectionOf(reviveWorktree(git, { repoRoot: root, lostPath: tree, path })), { code: 'worktree_mismatch' })
  t.equal(existsSync(path), false)
  t.match((await listWorktrees(git, root))[1], { path: tree, branch: 'work', prunable: true })
})
