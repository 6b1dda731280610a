/** Objects that are made here and handed over as a pack are those that git itself would have made. */
import { execFileSync } from 'node:child_process'
import { readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { createFileReader } from '../../../services/git/file-state.ts'
import { makeCommit, makeObject, makeTrees } from '../../../services/git/make-objects.ts'
import { writeObjects } from '../../../services/git/write-objects.ts'
import { gitTestEnv, makeRepository, runGit, storeBlob, writeFiles, type Files } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('trees have the ids that git gives them, whatever the names', async t => {
  const root = await makeRepository(t)
  const sha = storeBlob(root, 'x')
  const entries = ['-n', 'a/b/c\nd', 'a.b', 'a-b', 'a0', 'a/b.c', 'bad\xff', '\xc3\xa4/\x80', 'git~1', 'z'.repeat(200)].map((path, at) => ({ path, mode: at % 2 === 0 ? '100755' : '100644', sha }))
  entries.push({ path: 'link', mode: '120000', sha }, { path: 'sub', mode: '160000', sha: '1'.repeat(40) })
  const options = { cwd: root, env: { ...gitTestEnv, GIT_INDEX_FILE: join(root, '.git', 'other-index') } }
  execFileSync('git', ['-c', 'core.protectNTFS=false', 'update-index', '-z', '--index-info'], { ...options, input: Buffer.from(entries.map(entry => `${entry.mode} ${entry.sha}\t${entry.path}\0`).join(''), 'latin1') })
  const made = makeTrees('sha1', entries)
  t.equal(made[0].id, execFileSync('git', ['-c', 'core.protectNTFS=false', 'write-tree'], { ...options, encoding: 'utf8' }).trim())
  t.equal(makeTrees('sha1', [])[0].id, '4b825dc642cb6eb9a060e54bf8d69288fbee4904')
  for (const path of ['.git/x', 'a/.GIT', 'a//b', '../a', './a', '']) t.throws(() => makeTrees('sha1', [{ path, mode: '100644', sha }]), /can not be stored/, path)
  t.throws(() => makeTrees('sha1', [{ path: 'a', mode: '100644', sha }, { path: 'a/b', mode: '100644', sha }]), /a file and a folder/)
})

for (const format of ['sha1', 'sha256'] as const) {
  t.test(`${format}: what is written is sound, loose when it is little and a pack when it is much`, async t => {
    const root = await makeRepository(t, { unborn: true })
    runGit(join(root, '..'), 'init', '--quiet', `--object-format=${format}`, 'other')
    const cwd = join(root, '..', 'other')
    const files: Files = { empty: '', crlf: 'a\r\n', middle: Buffer.alloc(100_000, 'm'), large: Buffer.alloc(3_000_000, 'l'), '.gitattributes': '* text=auto eol=lf\n' }
    await writeFiles(cwd, { ...files, 'copy of large': files.large ?? '' })
    symlinkSync('crlf', join(cwd, 'link'))
    const { read } = createFileReader(cwd, format)
    const states = (await Promise.all([...Object.keys(files), 'copy of large', 'link'].map(read))).filter(state => state !== null)
    const trees = makeTrees(format, states)
    const commit = makeCommit(format, { tree: trees[0].id, parents: [], message: 'Hello\n', at: new Date('2026-01-02T03:04:05.678Z') })
    t.equal(await writeObjects(git, { hash: format, objects: [...trees, commit, commit], files: states, root: cwd }), true)
    t.match(runGit(cwd, 'count-objects'), /^8 objects/)
    runGit(cwd, 'fsck', '--strict')
    t.equal(runGit(cwd, 'show', `${commit.id}:crlf`), 'a\r', 'no filter was at work')
    t.equal(runGit(cwd, 'show', '--no-patch', '--format=%P|%an <%ae>|%cn <%ce>|%aI|%cI|%s', commit.id), '|Berth <berth@localhost>|Berth <berth@localhost>|2026-01-02T03:04:05+00:00|2026-01-02T03:04:05+00:00|Hello')
    const many = Array.from({ length: 100 }, (_, at) => makeObject(format, 'blob', `${at}\n`.repeat(at * 100)))
    t.equal(await writeObjects(git, { hash: format, objects: many, files: states, root: cwd }), true)
    t.equal(readdirSync(join(cwd, '.git/objects/pack')).filter(name => name.endsWith('.pack')).length, 1)
    t.equal(runGit(cwd, 'cat-file', 'blob', many[42]?.id ?? ''), '42\n'.repeat(4200).trimEnd())
    runGit(cwd, 'fsck', '--strict')
    t.equal(await writeObjects(git, { hash: format, objects: [], files: [], root: cwd }), true, 'nothing is no error')
  })
}

t.test('a file that has changed, shrunk, grown or gone is told, and nothing half written is left', async t => {
  const root = await makeRepository(t)
  const small = Buffer.alloc(1_000, 's')
  const large = Buffer.alloc(3_000_000, 'l')
  const changes: Record<string, (path: string) => void> = {
    changed: path => writeFileSync(path, Buffer.alloc(path.endsWith('large') ? large.length : small.length, 'c')),
    shrunk: path => writeFileSync(path, 'less'),
    grown: path => writeFileSync(path, 'and more', { flag: 'a' }),
    gone: unlinkSync
  }
  for (const [what, change] of Object.entries(changes)) {
    for (const name of ['small', 'large']) {
      await writeFiles(root, { [name]: name === 'small' ? small : large })
      const state = await createFileReader(root, 'sha1').read(name)
      if (state === null) throw new Error('it was written')
      change(join(root, name))
      t.equal(await writeObjects(git, { hash: 'sha1', objects: [], files: [state], root }), false, `${name}, ${what}`)
    }
  }
  t.same(readdirSync(join(root, '.git/objects/pack')).filter(name => name.startsWith('tmp')), [])
  runGit(root, 'fsck')
})

t.test('an error of what is handed over ends git and is the reason', async t => {
  const root = await makeRepository(t)
  const pieces = async function * () {
    yield Buffer.from('PACK')
    await Promise.reject(new Error('could not be read'))
  }
  t.match(await rejectionOf(git(['unpack-objects', '-q'], { cwd: root, input: pieces() })), { name: 'GitFailed', cause: { message: 'could not be read' } })
})
