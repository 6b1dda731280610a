/** The base is the first of strategy, repoRef, origin's default, main, master, HEAD; remote-tracking ones are fetched. */
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { resolveBase } from '../../../services/git/base.ts'
import { commitAll, gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const git = createGit({ env: gitTestEnv })
const none = { baseRef: null, repoRef: null, fetch: true }

/** A repository with an origin to which somebody else has pushed one more commit, not fetched yet. */
async function behindOrigin (t: Test) {
  const root = await makeRepository(t, { remote: true })
  const other = join(dirname(root), 'other')
  runGit(dirname(root), 'clone', '--quiet', join(dirname(root), 'origin.git'), other)
  writeFileSync(join(other, 'new'), 'new')
  const sha = commitAll(other, 'pushed by somebody')
  runGit(other, 'push', '--quiet', 'origin', 'HEAD:main', 'HEAD:refs/heads/only-there')
  return { root, sha, old: runGit(root, 'rev-parse', 'HEAD') }
}

t.test('origin/HEAD is fetched first and reported by its name', async t => {
  const { root, sha } = await behindOrigin(t)
  t.same(await resolveBase(git, { repoRoot: root, ...none }), { ref: 'origin/main', sha, branch: null, warnings: [] })
})

t.test('without fetching the last known commit counts', async t => {
  const { root, old } = await behindOrigin(t)
  t.same(await resolveBase(git, { repoRoot: root, ...none, fetch: false }), { ref: 'origin/main', sha: old, branch: null, warnings: [] })
})

t.test('a fetch that fails is a warning', async t => {
  const { root, old } = await behindOrigin(t)
  rmSync(join(dirname(root), 'origin.git'), { recursive: true })
  t.match(await resolveBase(git, { repoRoot: root, ...none, baseRef: 'origin/main' }), { ref: 'origin/main', sha: old, branch: null, warnings: [/Could not fetch origin\/main.*last known commit/s] })
})

t.test('a branch only the remote has is found, by its long name and by its short one', async t => {
  const { root, sha } = await behindOrigin(t)
  t.same(await resolveBase(git, { repoRoot: root, ...none, baseRef: 'origin/only-there' }), { ref: 'origin/only-there', sha, branch: null, warnings: [] })
  t.same(await resolveBase(git, { repoRoot: root, ...none, repoRef: 'only-there' }), { ref: 'origin/only-there', sha, branch: null, warnings: [] })
})

t.test('the strategy comes before repoRef, and a local branch is not fetched', async t => {
  const { root, old } = await behindOrigin(t)
  runGit(root, 'branch', 'local')
  t.same(await resolveBase(git, { repoRoot: root, baseRef: 'local', repoRef: 'origin/main', fetch: true }), { ref: 'local', sha: old, branch: null, warnings: [] })
  t.same(await resolveBase(git, { repoRoot: root, baseRef: null, repoRef: old, fetch: true }), { ref: old, sha: old, branch: null, warnings: [] })
})

t.test('without origin/HEAD come origin/main, origin/master and HEAD', async t => {
  const { root, old } = await behindOrigin(t)
  runGit(root, 'remote', 'set-head', 'origin', '--delete')
  t.match(await resolveBase(git, { repoRoot: root, ...none, fetch: false }), { ref: 'origin/main', sha: old })
  runGit(root, 'update-ref', 'refs/remotes/origin/master', old)
  runGit(root, 'update-ref', '-d', 'refs/remotes/origin/main')
  t.match(await resolveBase(git, { repoRoot: root, ...none, fetch: false }), { ref: 'origin/master', sha: old })
  runGit(root, 'remote', 'remove', 'origin')
  t.same(await resolveBase(git, { repoRoot: root, ...none }), { ref: 'HEAD', sha: old, branch: 'refs/heads/main', warnings: [] })
})

t.test('a named base that does not exist is refused, whatever it looks like', async t => {
  const { root } = await behindOrigin(t)
  for (const baseRef of ['nowhere', 'origin/nowhere', '--upload-pack=touch x', 'HEAD:README.md', 'origin/-x', 'origin/a..b']) {
    t.match(await rejectionOf(resolveBase(git, { repoRoot: root, ...none, baseRef })), { code: 'base_ref_not_found' }, baseRef)
  }
})
