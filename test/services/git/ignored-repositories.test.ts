/** Commits that only a repository in an ignored folder has outlive it; what tools have fetched there is left to them. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { findIgnoredWork } from '../../../services/git/ignored-repositories.ts'
import { attachSnapshot, restoreSnapshot, sameAsSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { addTestWorktree, commitAll, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit({ env: gitTestEnv })

t.test('they are kept with the snapshot, those on the stash too, and a warning says how to have them back', async t => {
  const theirs = await makeRepository(t)
  const root = await makeRepository(t, { files: { '.gitignore': 'deps/\n' } })
  const tree = addTestWorktree(root, 'work')
  const inside = join(tree, 'deps/theirs')
  runGit(tree, 'clone', '--quiet', theirs, inside)
  const place = { repoRoot: root, worktreePath: tree, workspaceId: 'w' }
  t.same((await takeSnapshot(git, place)).warnings, [], 'a mere clone can be made again')

  writeFileSync(join(inside, 'README.md'), 'mine\n')
  const own = commitAll(inside, 'only here')
  writeFileSync(join(inside, 'README.md'), 'put away\n')
  runGit(inside, 'stash', '--quiet')
  const stash = runGit(inside, 'rev-parse', 'refs/stash')
  const snapshot = await takeSnapshot(git, place)
  t.match(snapshot.warnings, [new RegExp(`^The own commits of the repository deps/theirs are kept in the snapshot: once it is cloned again, \`git -C deps/theirs fetch \\S+ ${own} ${stash}\``)])
  t.equal(await sameAsSnapshot(git, { worktreePath: tree, snapshot }), true)
  rmSync(tree, { recursive: true })
  runGit(root, 'worktree', 'prune')
  runGit(root, 'gc', '--quiet', '--prune=now')
  t.equal(runGit(root, 'show', `${stash}:README.md`), 'put away')
  await attachSnapshot(git, { ...place, snapshot })
  t.same((await restoreSnapshot(git, { ...place, snapshot })).warnings, snapshot.warnings, 'nothing more to say')
})

t.test('nothing of one without commits, at a tag, or that is a worktree; what can not be fetched from is told', async t => {
  const root = await temporaryFolder(t)
  const theirs = await makeRepository(t)
  runGit(theirs, 'tag', 'v1')
  runGit(theirs, 'commit', '--quiet', '--allow-empty', '--message', 'later')
  runGit(root, 'init', '--quiet', 'empty')
  runGit(root, 'clone', '--quiet', '--depth=1', '--branch=v1', `file://${theirs}`, 'at-tag')
  runGit(root, 'clone', '--quiet', '--depth=1', `file://${theirs}`, 'shallow')
  runGit(join(root, 'shallow'), 'commit', '--quiet', '--allow-empty', '--message', 'own')
  runGit(theirs, 'worktree', 'add', '--quiet', '-b', 'own', join(root, 'tree'))
  runGit(join(root, 'tree'), 'commit', '--quiet', '--allow-empty', '--message', 'own')
  t.same(await findIgnoredWork(git, root, ['empty', 'at-tag', 'shallow', 'tree', 'gone']), { commits: [], warnings: ['The own commits of the repository shallow are not kept: it is a shallow clone'] })
})
