/** Only what can be read back from the object database counts as stored. */
import { rmSync } from 'node:fs'
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
    const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state, rescueIgnored: [], ref: 'refs/x', previous: null })
    if (stored === null) throw new Error('nothing changed meanwhile')
    await verifyStored(git, root, stored, state)
    const commit = stored.snapshot.untrackedCommit
    const id = runGit(root, 'rev-parse', { 'a blob': `${commit}:new/file`, 'a tree': `${commit}:new`, 'a commit': commit }[lost] ?? '')
    rmSync(join(root, '.git/objects', id.slice(0, 2), id.slice(2)))
    await rejectionOf(verifyStored(git, root, stored, state))
    t.pass(lost)
  }
})

t.test('a name that git silently leaves out of trees is noticed', async t => {
  const root = await makeRepository(t)
  const state = await readWorkingState(git, { worktreePath: root, rescueIgnored: [] })
  const [entry] = state.index?.entries ?? []
  if (state.index === null || entry === undefined) throw new Error('the repository has a file')
  const twisted = { ...state, index: { ...state.index, entries: [entry, { ...entry, path: '.GIT/x' }] } }
  const stored = await storeState(git, { worktreePath: root, workspaceId: 'w', state: twisted, rescueIgnored: [], ref: 'refs/x', previous: null })
  if (stored === null) throw new Error('nothing changed meanwhile')
  t.match(await rejectionOf(verifyStored(git, root, stored, twisted)), { message: /\.GIT\/x was not stored/ })
})
