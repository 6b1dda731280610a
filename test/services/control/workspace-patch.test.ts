/** The body of a PATCH as a change of the row. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { problemOf } from '../../fixtures/workspaces.ts'
import { preparePatch } from '../../../services/control/workspace-patch.ts'
import { createGit } from '../../../services/git/exec.ts'
import type { WorkspaceRow } from '../../../services/workspaces/shape.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const row = {
  name: 'n', status: 'active', cwd: '/gone', provider_ref: 'sandbox-1', provider_type: 'cloud_sandbox', repo_url: null, base_ref: 'main', branch_name: 'b', branch_created_by_runtime: true, cleanup_eligible_at: new Date('2026-01-01T00:00:00Z'), cleanup_reason: null, config: null, metadata: { a: 1 }, realized_path: null
} as unknown as WorkspaceRow

test('patches', async t => {
  const root = await temporaryFolder(t)
  const dataDir = join(root, 'data')
  await mkdir(dataDir)
  const deps = { git: createGit(), allowedRoots: [root], dataDir }

  await t.test('only what differs is named as changed', async t => {
    const { patch, changed } = await preparePatch(deps, row, { name: 'n', baseRef: 'main', branchName: 'b', cwd: '/gone', cleanupEligibleAt: '2026-01-01T01:00:00+01:00', metadata: { a: 1 }, cleanupReason: 'why' })
    t.same(changed, ['cleanupReason'])
    t.match(patch, { name: 'n', cwd: '/gone', cleanup_reason: 'why' }, 'a path that is there already is not checked again')
    t.notOk('branch_created_by_runtime' in patch)
  })

  await t.test('a config comes by itself, in the metadata, or both, the first having the last word', async t => {
    const { patch, changed } = await preparePatch(deps, row, { metadata: { config: { provisionCommand: 'a', cleanupCommand: 'b' }, createdByRuntime: true }, config: { cleanupCommand: 'c' } })
    t.equal(patch.metadata, null)
    t.match(JSON.parse(String(patch.config)), { provisionCommand: 'a', cleanupCommand: 'c' })
    t.same(changed, ['metadata', 'config.provisionCommand', 'config.cleanupCommand'])
    t.notOk('created_by_runtime' in patch)
  })

  await t.test('a reference of a sandbox is no path; a folder\'s is', async t => {
    t.equal((await preparePatch(deps, row, { providerRef: 'sandbox-2' })).patch.provider_ref, 'sandbox-2')
    t.match(await problemOf(preparePatch(deps, { ...row, provider_type: 'local_fs' }, { providerRef: 'sandbox-2' })), { code: 'path_not_allowed' })
  })

  await t.test('repositories on this machine lie where project workspaces may', async t => {
    t.equal((await preparePatch(deps, row, { repoUrl: 'https://example.com/x.git' })).patch.repo_url, 'https://example.com/x.git')
    t.equal((await preparePatch(deps, row, { repoUrl: root })).patch.repo_url, root)
    for (const repoUrl of ['/etc', 'file:///etc', `${root}/../../etc`, `file://${dataDir}`]) t.match(await problemOf(preparePatch(deps, row, { repoUrl })), { code: 'path_not_allowed' }, repoUrl)
  })
})
