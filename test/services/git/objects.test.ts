/** Objects are written and read without filters, in flat memory, and a missing one is an error. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { blobHash, readBlobs, readTree, withScratch, writeBlob, writeBlobs, writeCommit, writeTree } from '../../../services/git/objects.ts'
import { gitTestEnv, makeRepository, runGit, writeFiles } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

async function readAll (cwd: string, shas: readonly string[]): Promise<Buffer[]> {
  const contents: Buffer[] = []
  await readBlobs(git, cwd, shas, (_sha, size) => {
    const chunks: Buffer[] = []
    return {
      chunk: bytes => { chunks.push(Buffer.from(bytes)) },
      end: () => {
        contents.push(Buffer.concat(chunks))
        if (contents.at(-1)?.length !== size) throw new Error('the size told before was another')
      }
    }
  })
  return contents
}

t.test('blobs come back as they were, in the order asked for', async t => {
  const root = await makeRepository(t)
  const contents = ['', '\n', 'no line end', 'two\nlines\n', 'x'.repeat(300_000), 'missing\n'].map(text => Buffer.from(text))
  contents.push(Buffer.from([0, 10, 13, 255, 10]))
  const shas = await Promise.all(contents.map(content => writeBlob(git, root, content)))
  t.same(await readAll(root, shas), contents)
  t.same(await readAll(root, [shas[3] ?? '', shas[3] ?? '']), [contents[3], contents[3]], 'the same one twice')
  t.same(shas, contents.map(content => blobHash('sha1', content.length).update(content).digest('hex')), 'and the hash made here is the id')
  t.same(await readAll(root, []), [])
})

t.test('an object that is missing or no blob is named', async t => {
  const root = await makeRepository(t)
  const missing = '1'.repeat(40)
  t.match(await rejectionOf(readAll(root, [missing])), { cause: { message: new RegExp(`${missing}.*missing`) } })
  t.match(await rejectionOf(readAll(root, [runGit(root, 'rev-parse', 'HEAD')])), { cause: { message: /commit/ } })
})

t.test('files are stored without filters', async t => {
  const root = await makeRepository(t, { files: { '.gitattributes': '* text=auto eol=lf\n' } })
  writeFileSync(join(root, 'crlf'), 'a\r\n')
  const [sha = ''] = await writeBlobs(git, root, ['crlf'])
  t.same(await readAll(root, [sha]), [Buffer.from('a\r\n')])
  t.same(await writeBlobs(git, root, []), [])
})

t.test('trees of any depth, names and modes, and the empty one', async t => {
  const root = await makeRepository(t)
  const sha = await writeBlob(git, root, 'x')
  const entries = [
    { path: '-n', mode: '100644', sha }, { path: 'a/b/c\nd', mode: '100755', sha }, { path: 'bad\xff', mode: '120000', sha },
    { path: 'git~1', mode: '100644', sha }, { path: 'sub', mode: '160000', sha: '1'.repeat(40) }
  ]
  t.same(await readTree(git, root, await writeTree(git, root, entries)), entries)
  t.same(await readTree(git, root, await writeTree(git, root, [])), [])
  t.equal(runGit(root, 'status', '--porcelain'), '', 'the repository\'s own index was not used')
  const refused = await writeTree(git, root, [{ path: '.git/config', mode: '100644', sha }])
  t.same(await readTree(git, root, refused), [], 'a name git never takes is left out, which the verification notices')
})

t.test('commits carry the service\'s name, the given time and parents', async t => {
  const root = await makeRepository(t)
  await writeFiles(root, {})
  const head = runGit(root, 'rev-parse', 'HEAD')
  const commit = await writeCommit(git, root, { tree: await writeTree(git, root, []), parents: [head], message: 'Hello\n', at: new Date('2026-01-02T03:04:05.678Z') })
  t.equal(runGit(root, 'show', '--no-patch', '--format=%P|%an <%ae>|%cn <%ce>|%aI|%cI|%s', commit), `${head}|Berth <berth@localhost>|Berth <berth@localhost>|2026-01-02T03:04:05+00:00|2026-01-02T03:04:05+00:00|Hello`)
})

t.test('the scratch folder goes, also after an error', async t => {
  const folder = await withScratch(folder => Promise.resolve(folder))
  t.equal(existsSync(folder), false)
  let seen = ''
  await rejectionOf(withScratch(folder => {
    seen = folder
    return Promise.reject(new Error('x'))
  }))
  t.equal(existsSync(seen), false)
})
