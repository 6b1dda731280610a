/** Porcelain v2 is read field by field, whatever the names. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { describeStatus, parseStatus, readStatus } from '../../../services/git/status.ts'
import { gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })
const id = '0123456789012345678901234567890123456789'

t.test('every kind of record', t => {
  const text = [
    `# branch.oid ${id}`, '# branch.head feature/ü', '# branch.upstream origin/x', '# branch.ab +1 -2',
    `1 .M N... 100644 100644 100755 ${id} ${id} with space`,
    `2 R. N... 100644 100644 100644 ${id} ${id} R100 new name`, 'old\nname',
    `u UU N... 100644 100644 100644 100644 ${id} ${id} ${id} both`,
    `1 .M SCMU 160000 160000 160000 ${id} ${id} sub`,
    '? un\ntracked', '! ignored/', ''
  ].join('\0')
  const status = parseStatus(Buffer.from(text).toString('latin1'))
  t.equal(status.headSha, id)
  t.equal(status.branch, 'feature/ü')
  t.same(status.entries.map(entry => [entry.kind, entry.staged + entry.unstaged, entry.path, entry.renamedFrom]), [
    ['tracked', '.M', 'with space', null],
    ['tracked', 'R.', 'new name', 'old\nname'],
    ['conflicted', 'UU', 'both', null],
    ['tracked', '.M', 'sub', null],
    ['untracked', '..', 'un\ntracked', null],
    ['ignored', '..', 'ignored/', null]
  ])
  t.same(status.entries[0]?.modes, { head: '100644', index: '100644', worktree: '100755' })
  t.equal(status.entries[3]?.submodule, 'SCMU')
  t.match(parseStatus('# branch.oid (initial)\0# branch.head main\0'), { headSha: null, branch: 'main', entries: [] })
  t.equal(parseStatus(`# branch.oid ${id}\0# branch.head (detached)\0`).branch, null)
  t.end()
})

t.test('a real worktree: renames on request, ignored folders as one entry', async t => {
  const root = await makeRepository(t, { files: { a: 'a\n'.repeat(9), '.gitignore': 'out/\n*.log\n' } })
  runGit(root, 'mv', 'a', 'b')
  await writeFiles(root, { 'out/1': '1', 'out/2': '2', 'x.log': 'x', 'new/file': 'n' })
  const look = async (options: { ignored: boolean, renames: boolean }) => (await readStatus(git, { path: root, ...options })).entries.map(entry => `${entry.kind} ${entry.path}`)
  t.same(await look({ ignored: false, renames: true }), ['tracked b', 'untracked new/file'])
  t.same(await look({ ignored: true, renames: false }), ['tracked a', 'tracked b', 'untracked new/file', 'ignored out/', 'ignored x.log'])
})

t.test('a folder git may not look into is an error, not an empty folder', { skip: process.getuid?.() === 0 && 'root may look everywhere' }, async t => {
  const root = await makeRepository(t)
  mkdirSync(join(root, 'closed'))
  writeFileSync(join(root, 'closed', 'x'), 'x')
  chmodSync(join(root, 'closed'), 0)
  t.match(await rejectionOf(readStatus(git, { path: root, ignored: false, renames: false })), { message: /could not look everywhere.*closed/ })
  chmodSync(join(root, 'closed'), 0o755)
})

t.test('a description counts staged and unstaged changes apart and cuts the list', t => {
  const { entries } = parseStatus([`1 MM N... 1 1 1 ${id} ${id} both`, `1 .D N... 1 1 0 ${id} ${id} gone`, ...Array.from({ length: 600 }, (_, n) => `? ${n}`)].join('\0'))
  const found = describeStatus(entries, ['.env'])
  t.same(found.counts, { staged: 1, modified: 1, deleted: 1, untracked: 600, ignored: 1, conflicted: 0 })
  t.equal(found.fileCount, 604)
  t.equal(found.files.length, 500)
  t.same(found.files.slice(0, 3), [{ path: 'both', status: 'staged' }, { path: 'both', status: 'modified' }, { path: 'gone', status: 'deleted' }])
  t.end()
})
