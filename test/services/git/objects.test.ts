/** Objects are written and read without filters, in flat memory, and a missing one is an error. */
import { existsSync } from 'node:fs'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { readBlobs, readObjects, readTree, withScratch } from '../../../services/git/objects.ts'
import { gitTestEnv, makeRepository, runGit, storeBlob } from '../../fixtures/git.ts'
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
  const shas = contents.map(content => storeBlob(root, content))
  t.same(await readAll(root, shas), contents)
  t.same(await readAll(root, [shas[3] ?? '', shas[3] ?? '']), [contents[3], contents[3]], 'the same one twice')
  t.same(await readAll(root, []), [])
})

t.test('an object that is missing or no blob is named', async t => {
  const root = await makeRepository(t)
  const missing = '1'.repeat(40)
  t.match(await rejectionOf(readAll(root, [missing])), { cause: { message: new RegExp(`${missing}.*missing`) } })
  t.match(await rejectionOf(readAll(root, [runGit(root, 'rev-parse', 'HEAD')])), { cause: { message: /commit/ } })
})

t.test('objects of any type are read, and one of another type than was asked for is an error', async t => {
  const root = await makeRepository(t)
  const [commit, tree] = runGit(root, 'rev-parse', 'HEAD', 'HEAD^{tree}').split('\n')
  const sizes: number[] = []
  await readObjects(git, root, [{ id: commit ?? '', type: 'commit' }, { id: tree ?? '', type: 'tree' }], (_id, size) => {
    sizes.push(size)
    return { chunk: () => {}, end: () => {} }
  })
  t.same(sizes, [commit, tree].map(id => Number(runGit(root, 'cat-file', '-s', id ?? ''))))
  t.match(await rejectionOf(readObjects(git, root, [{ id: tree ?? '', type: 'commit' }], () => ({ chunk: () => {}, end: () => {} }))), { cause: { message: /as a commit: tree/ } })
})

t.test('a tree is read with all that is in it, the empty one too', async t => {
  const root = await makeRepository(t, { files: { 'a/b/c\nd': 'x', z: 'y' } })
  t.match(await readTree(git, root, 'HEAD'), [{ path: 'a/b/c\nd', mode: '100644' }, { path: 'z', mode: '100644' }])
  t.same(await readTree(git, root, '4b825dc642cb6eb9a060e54bf8d69288fbee4904'), [])
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
