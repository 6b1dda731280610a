/** A state is stored as the commits of a stash with a manifest beside them, and no ref is written. */
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { readManifest } from '../../../services/git/manifest.ts'
import { storeState } from '../../../services/git/store-state.ts'
import { readWorkingState } from '../../../services/git/working-state.ts'
import { gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })
const ref = 'refs/berth/rescue/w'

async function makeState (t: Test) {
  const root = await makeRepository(t, { files: { a: 'a\n', b: 'b\n' } })
  await writeFiles(root, { a: 'changed\n', new: { content: 'new\n', mode: 0o640 } })
  runGit(root, 'rm', '--quiet', 'b')
  const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
  const store = () => storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref })
  return { root, store }
}

t.test('parents are HEAD, index, untracked files and manifest', async t => {
  const { root, store } = await makeState(t)
  const stored = await store()
  const commit = stored?.snapshot.worktreeCommit ?? ''
  t.equal(runGit(root, 'rev-parse', `${commit}^1`), runGit(root, 'rev-parse', 'HEAD'))
  t.equal(runGit(root, 'ls-tree', '-r', '--name-only', `${commit}^2`), 'a')
  t.equal(runGit(root, 'show', `${commit}^2:a`), 'a')
  t.equal(runGit(root, 'show', `${commit}:a`), 'changed')
  t.equal(runGit(root, 'ls-tree', '-r', '--name-only', `${commit}^3`), 'new')
  const manifest = await readManifest(git, root, commit)
  t.match(manifest, { version: 1, hasIndex: true, permissions: { a: 0o644, new: 0o640 }, counts: { staged: 1, modified: 1, untracked: 1 } })
  t.equal(runGit(root, 'for-each-ref', 'refs/berth'), '', 'no ref yet')
  t.equal(runGit(root, 'status', '--porcelain'), ' M a\nD  b\n?? new', 'the repository\'s own index is as it was')
})

t.test('a file that changed or went since it was looked at gives nothing', async t => {
  const changed = await makeState(t)
  writeFileSync(join(changed.root, 'new'), 'other\n')
  t.equal(await changed.store(), null)
  const gone = await makeState(t)
  unlinkSync(join(gone.root, 'new'))
  t.equal(await gone.store(), null)
})

t.test('what is in HEAD already is not stored again, and another snapshot keeps the one before', async t => {
  const root = await makeRepository(t, { files: { 'deep/a': 'a\n', b: 'b\n' } })
  const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
  const loose = () => Number(runGit(root, 'count-objects').split(' ')[0])
  const before = loose()
  const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref })
  const commit = stored?.snapshot.worktreeCommit ?? ''
  // Manifest, index, log of HEAD and the draft of its message with their three trees, an empty tree, four commits.
  t.equal(loose() - before, 12)
  t.equal(runGit(root, 'rev-parse', `${commit}^{tree}`), runGit(root, 'rev-parse', 'HEAD^{tree}'))
  runGit(root, 'update-ref', ref, commit)
  const again = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref })
  t.equal(again?.previous, commit)
  t.equal(runGit(root, 'rev-parse', `${again?.snapshot.worktreeCommit ?? ''}^4^1`), commit)
  runGit(root, 'fsck', '--strict')
})
