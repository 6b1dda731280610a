/** Only a manifest of this form is read. */
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { loadBlobs, readManifest } from '../../../services/git/manifest.ts'
import { writeBlob, writeCommit, writeTree } from '../../../services/git/objects.ts'
import { gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('another version, no JSON and no manifest at all are refused', async t => {
  const root = await makeRepository(t)
  const head = runGit(root, 'rev-parse', 'HEAD')
  const withManifest = async (content: string) => {
    const tree = await writeTree(git, root, [{ path: 'manifest.json', mode: '100644', sha: await writeBlob(git, root, content) }])
    const manifest = await writeCommit(git, root, { tree, parents: [], message: 'm', at: new Date(0) })
    const others = await Promise.all(['1', '2'].map(message => writeCommit(git, root, { tree, parents: [], message, at: new Date(0) })))
    return await writeCommit(git, root, { tree, parents: [head, ...others, manifest], message: 'w', at: new Date(0) })
  }
  t.match(await rejectionOf(readManifest(git, root, await withManifest('{"version":2}'))), { message: /another version/ })
  t.match(await rejectionOf(readManifest(git, root, await withManifest('no JSON'))), { name: 'SyntaxError' })
  t.match(await rejectionOf(readManifest(git, root, head)), { name: 'GitFailed' })
})

t.test('blobs are loaded by their id, each once', async t => {
  const root = await makeRepository(t)
  const [a, b] = [await writeBlob(git, root, 'a'), await writeBlob(git, root, '')]
  const found = await loadBlobs(git, root, [a, b, a])
  t.same([...found].map(([sha, content]) => [sha, content.toString()]), [[a, 'a'], [b, '']])
})
