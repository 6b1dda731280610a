/** Only a manifest of this form is read. */
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { loadBlobs, readManifest } from '../../../services/git/manifest.ts'
import { makeCommit, makeObject, makeTrees } from '../../../services/git/make-objects.ts'
import { writeObjects } from '../../../services/git/write-objects.ts'
import { gitTestEnv, makeRepository, runGit, storeBlob } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })

t.test('another version, no JSON and no manifest at all are refused', async t => {
  const root = await makeRepository(t)
  const head = runGit(root, 'rev-parse', 'HEAD')
  const withManifest = async (content: string) => {
    const blob = makeObject('sha1', 'blob', content)
    const trees = makeTrees('sha1', [{ path: 'manifest.json', mode: '100644', sha: blob.id }])
    const commit = (parents: string[], message: string) => makeCommit('sha1', { tree: trees[0].id, parents, message, at: new Date(0) })
    const [manifest, one, other] = [commit([], 'm'), commit([], '1'), commit([], '2')]
    const whole = commit([head, one.id, other.id, manifest.id], 'w')
    await writeObjects(git, { hash: 'sha1', objects: [blob, ...trees, manifest, one, other, whole], files: [], root })
    return whole.id
  }
  t.match(await rejectionOf(readManifest(git, root, await withManifest('{"version":2}'))), { message: /another version/ })
  t.match(await rejectionOf(readManifest(git, root, await withManifest('no JSON'))), { name: 'SyntaxError' })
  t.match(await rejectionOf(readManifest(git, root, head)), { message: `There is no snapshot ${head}` })
})

t.test('blobs are loaded by their id, each once', async t => {
  const root = await makeRepository(t)
  const [a, b] = [storeBlob(root, 'a'), storeBlob(root, '')]
  const found = await loadBlobs(git, root, [a, b, a])
  t.same([...found].map(([sha, content]) => [sha, content.toString()]), [[a, 'a'], [b, '']])
})
