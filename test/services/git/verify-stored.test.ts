/** Only what can be read back from the object database counts as stored. */
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { storeState } from '../../../services/git/store-state.ts'
import { verifyStored } from '../../../services/git/verify-stored.ts'
import { readWorkingState } from '../../../services/git/working-state.ts'
import { gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('a blob, a tree or a commit that is missing is noticed', async t => {
  for (const lost of ['a blob', 'a tree', 'a commit']) {
    const root = await makeRepository(t)
    await writeFiles(root, { 'new/file': 'new\n' })
    const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
    const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref: 'refs/x' })
    if (stored === null) throw new Error('nothing changed meanwhile')
    await verifyStored(git, root, stored, state)
    const commit = stored.snapshot.untrackedCommit
    const id = runGit(root, 'rev-parse', { 'a blob': `${commit}:new/file`, 'a tree': `${commit}:new`, 'a commit': commit }[lost] ?? '')
    rmSync(join(root, '.git/objects', id.slice(0, 2), id.slice(2)))
    await rejectionOf(verifyStored(git, root, stored, state))
    t.pass(lost)
  }
})

t.test('an object that holds another one is noticed', async t => {
  const root = await makeRepository(t)
  await writeFiles(root, { 'new/file': 'new\n' })
  const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
  const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref: 'refs/x' })
  if (stored === null) throw new Error('nothing changed meanwhile')
  const placeOf = (id: string) => join(root, '.git/objects', id.slice(0, 2), id.slice(2))
  const [tree, other] = [`${stored.snapshot.untrackedCommit}:new`, `${stored.snapshot.untrackedCommit}^{tree}`].map(name => placeOf(runGit(root, 'rev-parse', name)))
  rmSync(tree ?? '')
  copyFileSync(other ?? '', tree ?? '')
  t.match(await rejectionOf(verifyStored(git, root, stored, state)), { cause: { message: /does not hold what was stored/ } })
})

t.test('what was staged and is nowhere else is noticed when it is missing', async t => {
  const root = await makeRepository(t)
  await writeFiles(root, { staged: 'staged\n' })
  runGit(root, 'add', 'staged')
  const id = runGit(root, 'rev-parse', ':staged')
  await writeFiles(root, { staged: 'changed since\n' })
  const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
  const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref: 'refs/x' })
  if (stored === null) throw new Error('nothing changed meanwhile')
  await verifyStored(git, root, stored, state)
  rmSync(join(root, '.git/objects', id.slice(0, 2), id.slice(2)))
  t.match(await rejectionOf(verifyStored(git, root, stored, state)), { message: new RegExp(id) })
})
