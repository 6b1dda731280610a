/** The state that is read is the one on disk, whatever git was told to believe, and equal states have equal digests. */
import { unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { fingerprintOf } from '../../../services/git/state-parts.ts'
import { readWorkingState } from '../../../services/git/working-state.ts'
import { addTestWorktree, gitTestEnv, makeRepository, runGit, writeFiles, type Files } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })
const files: Files = { a: 'a\n', b: 'b\n', 'src/c': 'c\n', '.gitignore': '.env\n' }
const read = (worktreePath: string) => readWorkingState(git, { worktreePath, rescueIgnored: ['.env*'] })

t.test('changed, absent, untracked and chosen ignored files are told apart', async t => {
  const root = await makeRepository(t, { files })
  const tree = addTestWorktree(root, 'work')
  unlinkSync(join(tree, 'b'))
  await writeFiles(tree, { a: 'changed\n', new: 'new\n', '.env': 'S=1\n' })
  const state = await read(tree)
  t.same([state.changed, state.untracked, state.ignored].map(list => list.map(file => file.path)), [['a'], ['new'], ['.env']])
  t.same(state.absent, ['b'])
  t.same(state.converted, [])
  t.match(state, { hash: 'sha1', branch: 'work', headSha: runGit(root, 'rev-parse', 'HEAD'), gitDir: runGit(tree, 'rev-parse', '--absolute-git-dir') })
})

t.test('reading writes nothing and two looks agree', async t => {
  const root = await makeRepository(t, { files })
  await writeFiles(root, { a: 'changed\n', new: 'new\n' })
  const before = runGit(root, 'count-objects')
  const first = await read(root)
  // Times alone are no change.
  utimesSync(join(root, 'src/c'), 1, 1)
  const second = await read(root)
  t.equal(fingerprintOf(second.parts), fingerprintOf(first.parts))
  t.equal(runGit(root, 'count-objects'), before)
})

t.test('each part changes alone', async t => {
  const root = await makeRepository(t, { files })
  const steps: [string, () => void][] = [
    ['tracked', () => writeFileSync(join(root, 'a'), 'changed\n')],
    ['untracked', () => writeFileSync(join(root, 'new'), 'new\n')],
    ['ignored', () => writeFileSync(join(root, '.env'), 'S=1\n')],
    ['index', () => { runGit(root, 'update-index', '--assume-unchanged', 'b') }],
    // By hand: git would write it into the log of HEAD, too.
    ['head', () => writeFileSync(join(root, '.git', 'HEAD'), 'ref: refs/heads/other\n')],
    ['progress', () => writeFileSync(join(root, '.git', 'MERGE_MSG'), 'x')]
  ]
  runGit(root, 'branch', 'other')
  let before = await read(root)
  for (const [part, step] of steps) {
    step()
    const after = await read(root)
    const differing = Object.entries(after.parts).filter(([name, digest]) => Object.entries(before.parts).find(([other]) => other === name)?.[1] !== digest)
    t.same(differing.map(([name]) => name), [part])
    t.not(fingerprintOf(after.parts), fingerprintOf(before.parts))
    before = after
  }
})

t.test('a change of the same size and time as before is seen where attributes make every file be read', async t => {
  const root = await makeRepository(t, { files: { ...files, '.gitattributes': '* -text\n' } })
  runGit(root, 'update-index', '--assume-unchanged', 'a')
  writeFileSync(join(root, 'a'), 'A\n')
  t.same((await read(root)).changed.map(file => file.path), ['a'])
})

t.test('a folder inside the checkout is refused', async t => {
  const root = await makeRepository(t, { files })
  t.match(await rejectionOf(read(join(root, 'src'))), { message: /not the top of a checkout/ })
})
