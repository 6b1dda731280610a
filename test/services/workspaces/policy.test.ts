/** Mode, strategy and effective runtime config: who is asked first. */
import { test } from 'tap'
import { problemOf } from '../../fixtures/workspaces.ts'
import { effectiveRuntime, providerOf, resolveMode, resolveStrategy, type Wishes } from '../../../services/workspaces/policy.ts'

const wishes = (parts: Partial<Wishes>): Wishes => ({ requested: {}, issue: null, policy: null, ...parts })

test('the mode is the request\'s, else the issue\'s, else an enabled policy\'s, else shared', async t => {
  const mode = (parts: Partial<Wishes>): string => resolveMode(wishes(parts))
  t.equal(mode({}), 'shared_workspace')
  t.equal(mode({ policy: { enabled: true, defaultMode: 'isolated_workspace' } }), 'isolated_workspace')
  t.equal(mode({ policy: { enabled: false, defaultMode: 'isolated_workspace' } }), 'shared_workspace')
  t.equal(mode({ policy: { defaultMode: 'isolated_workspace' } }), 'shared_workspace', 'enabled must be said')
  t.equal(mode({ policy: { enabled: true, defaultMode: 'isolated' } }), 'isolated_workspace', 'an old spelling')
  t.equal(mode({ policy: { enabled: true, defaultMode: 'project_primary' } }), 'shared_workspace', 'an old spelling')
  t.equal(mode({ policy: { enabled: true, defaultMode: 'adapter_default' } }), 'adapter_managed')
  const policy = { enabled: true, defaultMode: 'isolated_workspace' } as const
  t.equal(mode({ policy, issue: { mode: 'shared_workspace' } }), 'shared_workspace')
  t.equal(mode({ policy, issue: { mode: 'agent_default' } }), 'adapter_managed')
  for (const leftOpen of ['inherit', 'reuse_existing', null] as const) t.equal(mode({ policy, issue: { mode: leftOpen } }), 'isolated_workspace')
  t.equal(mode({ policy: { ...policy, allowIssueOverride: false }, issue: { mode: 'shared_workspace' } }), 'isolated_workspace')
  t.equal(mode({ policy, issue: { mode: 'operator_branch' }, requested: { mode: 'shared_workspace' } }), 'shared_workspace')
  t.equal(mode({ requested: { workspaceStrategy: { type: 'git_worktree' } } }), 'isolated_workspace', 'naming a worktree means isolated work')
  t.equal(mode({ policy, requested: { workspaceStrategy: { baseRef: 'x' } } }), 'isolated_workspace')
})

test('the strategy is put together field by field, the request first', async t => {
  const policy = { workspaceStrategy: { baseRef: 'policy', provisionCommand: 'policy', copyFiles: ['.env'] } }
  t.same(resolveStrategy('isolated_workspace', wishes({ policy })), { type: 'git_worktree', baseRef: 'policy', provisionCommand: 'policy', copyFiles: ['.env'] })
  t.same(resolveStrategy('isolated_workspace', wishes({ policy, issue: { workspaceStrategy: { baseRef: 'issue' } }, requested: { workspaceStrategy: { provisionCommand: null } } })),
    { type: 'git_worktree', baseRef: 'issue', provisionCommand: null, copyFiles: ['.env'] }, 'null clears')
  t.equal(resolveStrategy('isolated_workspace', wishes({ policy: { ...policy, allowIssueOverride: false }, issue: { workspaceStrategy: { baseRef: 'issue' } } })).baseRef, 'policy')
  t.same(resolveStrategy('shared_workspace', wishes({ policy })), { type: 'project_primary' }, 'shared work makes no files')
  t.equal(resolveStrategy('operator_branch', wishes({})).type, 'git_worktree')
  t.equal(resolveStrategy('isolated_workspace', wishes({ policy: { workspaceStrategy: { type: 'project_primary' } } })).type, 'git_worktree', 'never the shared checkout')
})

test('a strategy that contradicts the mode is refused with its place', async t => {
  for (const [mode, type] of [['isolated_workspace', 'project_primary'], ['shared_workspace', 'git_worktree'], ['cloud_sandbox', 'git_worktree']] as const) {
    t.match(await problemOf((async () => resolveStrategy(mode, wishes({ requested: { workspaceStrategy: { type } } })))()), { code: 'unprocessable', members: { errors: [{ pointer: '/workspaceStrategy/type' }] } })
  }
})

test('each strategy has its provider', async t => {
  t.equal(providerOf('project_primary'), 'local_fs')
  t.equal(providerOf('git_worktree'), 'git_worktree')
  t.equal(providerOf('cloud_sandbox'), 'cloud_sandbox')
})

test('the effective runtime config is the first that is there, an empty one included', async t => {
  const own = { workspaceRuntime: { commands: [] } }
  t.equal(effectiveRuntime(own, { a: 1 }, { workspaceRuntime: { b: 1 } })?.source, 'execution_workspace')
  t.equal(effectiveRuntime({ workspaceRuntime: null }, { a: 1 }, { workspaceRuntime: { b: 1 } })?.source, 'project_workspace')
  t.same(effectiveRuntime(null, null, { workspaceRuntime: { b: 1 } }), { runtime: { b: 1 }, source: 'project_policy' })
  t.equal(effectiveRuntime(null, null, {}), null)
})
