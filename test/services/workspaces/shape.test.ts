/** Rows as the API shows them. */
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { test } from 'tap'
import { components } from '../../../openapi/schemas/index.ts'
import { servicesOwner, toSummary, toWorkspace, type WorkspaceRow } from '../../../services/workspaces/shape.ts'

const id = '11111111-1111-4111-8111-111111111111'
const at = new Date('2026-01-31T12:00:00.123Z')
const row: WorkspaceRow = {
  id, company_id: id, project_id: id, project_workspace_id: id, source_issue_id: null, derived_from_execution_workspace_id: null, host_id: id, mode: 'isolated_workspace', strategy_type: 'git_worktree', provider_type: 'git_worktree', name: 'n', status: 'active', cwd: '/w', repo_url: null, base_ref: 'main', base_sha: 'abc', base_branch: null, disk_bytes: '4096', disk_measured_at: at, branch_name: 'b', provider_ref: '/w', strategy: { type: 'git_worktree', provisionCommand: 'x' }, config: null, metadata: { a: 1 }, created_by_runtime: true, realized_path: '/w', repo_root: '/r', branch_created_by_runtime: true, shares_worktree: false, provision_fingerprint: 'f', rescue: null, version: 3, cleanup_eligible_at: null, cleanup_reason: null, last_used_at: at, opened_at: at, closed_at: null, created_at: at, updated_at: at
}

test('a workspace has exactly the fields of its schema', async t => {
  const ajv = new Ajv({ strict: false })
  formats.default(ajv)
  for (const component of components) ajv.addSchema(component)
  const shown = toWorkspace(row, [])
  t.ok(ajv.validate('ExecutionWorkspace', shown), ajv.errorsText())
  const schema = components.find(component => component.$id === 'ExecutionWorkspace')
  t.same(Object.keys(shown).sort(), Object.keys(schema?.['properties'] as object).sort(), 'nothing of the service\'s own columns gets out')
  t.equal(shown.diskBytes, 4096, 'a number, as JSON has it')
  t.equal(shown.lastUsedAt, '2026-01-31T12:00:00.123Z')
  t.same(shown.metadata, { a: 1, createdByRuntime: true })
})

test('a stored config is shown whole, also inside the metadata', async t => {
  const shown = toWorkspace({ ...row, config: { provisionCommand: 'p' } as never }, [])
  t.equal(shown.config?.provisionCommand, 'p')
  t.equal(shown.config?.serviceStates, null)
  t.same(shown.metadata?.['config'], shown.config)
})

test('the summary has four fields', async t => {
  t.same(toSummary(row), { id, name: 'n', mode: 'isolated_workspace', projectWorkspaceId: id })
})

test('a shared workspace without a runtime config of its own shows its project workspace\'s services', async t => {
  const shared = { ...row, id: 'own', mode: 'shared_workspace' as const }
  t.same(servicesOwner(shared), { kind: 'project', id })
  t.same(servicesOwner({ ...shared, config: { workspaceRuntime: {} } as never }), { kind: 'execution', id: 'own' })
  t.same(servicesOwner({ ...shared, project_workspace_id: null }), { kind: 'execution', id: 'own' })
  t.same(servicesOwner({ ...row, id: 'own' }), { kind: 'execution', id: 'own' })
})
