import { randomUUID } from 'node:crypto'
import t from 'tap'
import { homeOf, loadPlace, ownerOf, placeLock, requirePath, requireUsable, withCommands, type FoundPlace } from '../../../services/control/runtime-place.ts'
import { localBoard } from '../../../services/access/actor.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

const { db } = await openTestDatabase(t, 'pglite')
const { companyId, projectId, workspaceId } = await companyWithWorkspace(db)
const projectWorkspaceId = randomUUID()
await db.insertInto('project_workspaces').values({ id: projectWorkspaceId, company_id: companyId, project_id: projectId, name: 'Main', cwd: '/main' }).execute()
await db.updateTable('execution_workspaces').set({ project_workspace_id: projectWorkspaceId }).where('id', '=', workspaceId).execute()

const execution = async (): Promise<FoundPlace> => {
  const place = await loadPlace(db, { kind: 'execution', id: workspaceId })
  if (place === null) throw new Error('no place')
  return place
}
const names = (place: FoundPlace) => withCommands(place).commands.map(({ definition: { name, source } }) => `${name} of ${source.type}`)

t.test('the config is the workspace\'s own, else the project workspace\'s, else the policy\'s', async t => {
  t.equal((await execution()).runtime, null)
  await db.updateTable('projects').set({ execution_workspace_policy: JSON.stringify({ workspaceRuntime: { services: [{ name: 'p', command: 'p' }] } }) }).where('id', '=', projectId).execute()
  t.same(names(await execution()), ['p of project_policy'])
  await db.updateTable('project_workspaces').set({ runtime_config: JSON.stringify({ services: [{ name: 'w', command: 'w' }] }) }).where('id', '=', projectWorkspaceId).execute()
  t.same(names(await execution()), ['w of project_workspace'])
  t.same((await execution()).owner, { kind: 'project', id: projectWorkspaceId }, 'a shared workspace without its own borrows the services')
  await db.updateTable('execution_workspaces').set({ config: JSON.stringify({ workspaceRuntime: { jobs: [{ name: 'e', command: 'e' }] } }) }).where('id', '=', workspaceId).execute()
  t.same(names(await execution()), ['e of execution_workspace'])
  t.same((await execution()).owner, { kind: 'execution', id: workspaceId })
  t.match(ownerOf(await execution(), localBoard), { executionWorkspaceId: workspaceId, projectWorkspaceId, agentId: null, runId: null })
  const startedFor = { runId: randomUUID(), agentId: randomUUID(), issueId: randomUUID() }
  t.match(ownerOf({ ...await execution(), startedFor }, localBoard), startedFor)
})

t.test('a project workspace is found only in its project', async t => {
  t.match(await loadPlace(db, { kind: 'project', projectId: projectId.toUpperCase(), id: projectWorkspaceId }), { kind: 'project', cwd: '/main' })
  t.equal(await loadPlace(db, { kind: 'project', projectId: randomUUID(), id: projectWorkspaceId }), null)
  t.equal(await loadPlace(db, { kind: 'execution', id: randomUUID() }), null)
})

t.test('a service is configured where it was started, as long as that is there', async t => {
  const row = { execution_workspace_id: workspaceId, project_workspace_id: projectWorkspaceId, project_id: projectId }
  t.same(homeOf(row), { kind: 'execution', id: workspaceId })
  t.same(homeOf({ ...row, execution_workspace_id: null }), { kind: 'project', projectId, id: projectWorkspaceId })
  t.equal(homeOf({ ...row, execution_workspace_id: null, project_workspace_id: null }), null)
})

t.test('a workspace that is archived, archiving or provisioning has no room for running things', async t => {
  const place = await execution()
  for (const status of ['archived', 'archiving', 'provisioning', 'active', 'idle', 'in_review', 'cleanup_failed'] as const) {
    const given = { ...place, workspace: place.workspace === null ? null : { ...place.workspace, status } }
    if (['archived', 'archiving', 'provisioning'].includes(status)) t.throws(() => requireUsable(given), { code: 'workspace_state_conflict', statusCode: 409 }, status)
    else t.doesNotThrow(() => requireUsable(given), status)
  }
})

t.test('a workspace without a local path is refused', async t => {
  const place = await execution()
  t.throws(() => requirePath({ ...place, cwd: null }), { code: 'no_local_path', statusCode: 422 })
  t.equal(requirePath({ ...place, cwd: '/x' }), '/x')
})

t.test('each kind of place has a lock of its own', async t => {
  t.equal(placeLock({ kind: 'execution', id: 'a' }, 'a job').resource, 'workspace:a')
  t.equal(placeLock({ kind: 'project', id: 'a' }, 'a job').resource, 'project-workspace:a')
})
