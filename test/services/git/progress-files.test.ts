/** git's own progress is read, with the objects it speaks of, and nothing else of its folder. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loggedCommits, mentionedObjects, readProgressFiles } from '../../../services/git/progress-files.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('files of an operation are found at any depth, sorted, without locks and the rest', async t => {
  const folder = await temporaryFolder(t)
  for (const name of ['rebase-merge', 'refs/bisect', 'refs/heads', 'logs', 'info']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['HEAD', 'index', 'MERGE_HEAD', 'MERGE_MSG.lock', 'config', 'rebase-merge/autostash', 'rebase-merge/done.lock', 'refs/bisect/bad', 'refs/heads/x', 'logs/HEAD', 'logs/other', 'info/exclude', 'info/sparse-checkout']) writeFileSync(join(folder, name), name)
  const files = await readProgressFiles(folder)
  t.same(files.map(file => file.path), ['MERGE_HEAD', 'info/sparse-checkout', 'logs/HEAD', 'rebase-merge/autostash', 'refs/bisect/bad'])
  t.equal(files[0]?.content.toString(), 'MERGE_HEAD')
})

t.test('what can not be kept whole is refused, and what was only fetched is left out', async t => {
  const folder = await temporaryFolder(t)
  mkdirSync(join(folder, 'rebase-apply'))
  for (const name of ['FETCH_HEAD', 'rebase-apply/0001']) writeFileSync(join(folder, name), Buffer.alloc(9 * 1024 * 1024))
  t.same((await readProgressFiles(folder)).map(({ path, content }) => [path, content.length]), [['rebase-apply/0001', 9 * 1024 * 1024]], 'a patch of some size is kept')
  writeFileSync(join(folder, 'rebase-apply/0001'), Buffer.alloc(64 * 1024 * 1024 + 1))
  t.match(await rejectionOf(readProgressFiles(folder)), { message: /rebase-apply\/0001, .* is too large to be kept/ })
})

t.test('of what was fetched only what was meant to be merged counts', t => {
  const content = Buffer.from(`${'a'.repeat(40)}\t\tbranch 'x' of elsewhere\n${'b'.repeat(40)}\tnot-for-merge\tbranch 'y' of elsewhere\n`)
  t.same(mentionedObjects([{ path: 'FETCH_HEAD', content }]), ['a'.repeat(40)])
  t.end()
})

t.test('object ids are found once each, without the one of nothing', t => {
  const a = 'a'.repeat(40)
  const b = 'b'.repeat(64)
  const files = [{ path: 'x', content: Buffer.from(`pick ${a} title\n${a}\n${'0'.repeat(40)} ${'c'.repeat(41)} abcdef`) }, { path: 'y', content: Buffer.from(b) }]
  t.same(mentionedObjects(files), [a, b])
  t.end()
})

const id = (name: string | number) => createHash('sha1').update(String(name)).digest('hex')
const line = (before: string, after: string, words: string) => `${before} ${after} Example <a@example.invalid> 1700000000 +0000\t${words}\n`

t.test('of a log only those commits are named that nothing else is built on', t => {
  const log = [
    line('0'.repeat(40), id('base'), ''), line(id('base'), id('first'), 'commit: first'), line(id('first'), id('reset'), 'commit: reset away'), line(id('reset'), id('first'), 'reset: moving to HEAD~'),
    line(id('first'), id('amended'), 'commit: amended'), line(id('amended'), id('head'), 'commit (amend): amended')
  ].join('')
  const file = { path: 'logs/HEAD', content: Buffer.from(`damaged\n${log}`) }
  t.same(loggedCommits([file], id('head')), { commits: [id('amended'), id('reset')], warnings: [] })
  t.same(loggedCommits([file], null).commits, [id('head'), id('amended'), id('reset')])
  t.same(loggedCommits([{ path: 'rebase-merge/todo', content: file.content }], null).commits, [], 'other files are no logs')
  t.same(mentionedObjects([file]), [], 'and logs are no other files')
  t.end()
})

t.test('a log that is too long is cut, and that is said', async t => {
  const long = Array.from({ length: 1002 }, (_, at) => line(id(at), id(at + 1), 'reset: moving')).join('')
  const { commits, warnings } = loggedCommits([{ path: 'logs/HEAD', content: Buffer.from(long) }], id(1002))
  t.same([commits.length, commits[0], commits.at(-1)], [1000, id(1001), id(2)])
  t.match(warnings, [/^The 2 oldest/])

  const folder = await temporaryFolder(t)
  mkdirSync(join(folder, 'logs'))
  const last = line(id(1), id(2), 'reset: last')
  writeFileSync(join(folder, 'logs', 'HEAD'), line(id(0), id(1), 'x'.repeat(9 * 1024 * 1024)) + last)
  const [file] = await readProgressFiles(folder)
  t.equal(file?.content.toString(), last, 'whole lines from its end')
  t.match(loggedCommits(file === undefined ? [] : [file], null).warnings, [/^Only the end of logs\/HEAD/])
})
