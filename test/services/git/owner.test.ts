/** The owner repository is found from anywhere inside a checkout, and what is none is refused. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { findOwnerRepository } from '../../../services/git/owner.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit({ env: gitTestEnv })

t.test('from the top, from a folder inside and from a linked worktree', async t => {
  const root = await makeRepository(t, { files: { 'packages/a/x': 'x' } })
  const commonDir = join(root, '.git')
  t.same(await findOwnerRepository(git, root), { root, commonDir, isLinkedWorktree: false, topLevel: root, subPath: '' })
  t.same(await findOwnerRepository(git, join(root, 'packages/a')), { root, commonDir, isLinkedWorktree: false, topLevel: root, subPath: 'packages/a' })
  const tree = addTestWorktree(root, 'work')
  t.same(await findOwnerRepository(git, join(tree, 'packages')), { root, commonDir, isLinkedWorktree: true, topLevel: tree, subPath: 'packages' })
})

t.test('a worktree of a bare repository owns itself', async t => {
  const root = await makeRepository(t, { remote: true })
  const bare = join(dirname(root), 'origin.git')
  const tree = join(dirname(root), 'tree')
  runGit(bare, 'worktree', 'add', '--quiet', tree, 'main')
  t.same(await findOwnerRepository(git, tree), { root: tree, commonDir: bare, isLinkedWorktree: true, topLevel: tree, subPath: '' })
})

t.test('a worktree of a submodule is owned by the submodule', async t => {
  const part = await makeRepository(t)
  const root = await makeRepository(t)
  runGit(root, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part, 'part')
  commitAll(root, 'with a part')
  const tree = join(dirname(root), 'tree')
  runGit(join(root, 'part'), 'worktree', 'add', '--quiet', '-b', 'work', tree)
  t.match(await findOwnerRepository(git, tree), { root: join(root, 'part'), isLinkedWorktree: true, topLevel: tree })
})

t.test('no repository, one without a commit, a bare one and a missing folder are refused with the reason', async t => {
  const folder = await temporaryFolder(t)
  const unborn = await makeRepository(t, { unborn: true })
  const root = await makeRepository(t, { remote: true })
  await writeFiles(folder, { file: 'x' })
  mkdirSync(join(folder, 'empty'))
  const cases: [string, RegExp][] = [
    [join(folder, 'empty'), /not a git repository/],
    [unborn, /no commit/],
    [join(dirname(root), 'origin.git'), /bare/],
    [join(root, '.git'), /not inside a checkout/],
    [join(folder, 'missing'), /missing/],
    [join(folder, 'file'), /file/]
  ]
  for (const [path, detail] of cases) t.match(await rejectionOf(findOwnerRepository(git, path)), { code: 'repository_unusable', detail }, path)
})
