/** The strategy stored with a workspace. */
import { test } from 'tap'
import { provisionCommandOf, rowStrategy } from '../../../services/workspaces/strategy.ts'

test('the workspace\'s own provision command comes before its strategy\'s', async t => {
  const row = { strategy_type: 'git_worktree' as const, strategy: { provisionCommand: 'strategy' }, config: null }
  const config = (provisionCommand: string | null) => ({ provisionCommand, teardownCommand: null, cleanupCommand: 'x', workspaceRuntime: null, desiredState: null, serviceStates: null })
  t.equal(provisionCommandOf(row), 'strategy')
  t.equal(provisionCommandOf({ ...row, config: config('own') }), 'own')
  t.equal(provisionCommandOf({ ...row, config: config(null) }), 'strategy')
  t.equal(provisionCommandOf({ ...row, strategy: null }), null)
})

test('the type is the row\'s own, whatever was stored', async t => {
  t.same(rowStrategy({ strategy_type: 'git_worktree', strategy: { type: 'project_primary', createMissingBranch: true } }), { type: 'git_worktree', createMissingBranch: true })
  t.same(rowStrategy({ strategy_type: 'project_primary', strategy: null }), { type: 'project_primary' })
})
