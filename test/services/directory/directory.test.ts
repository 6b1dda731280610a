/** The directory on both databases: create or replace, references, deletions, paging, activity. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Db } from '../../../db/client.ts'
import type { Page } from '../../../openapi/schemas/common.ts'
import { localBoard } from '../../../services/access/actor.ts'
import { createDirectory } from '../../../services/directory/directory.ts'
import { agentOf, person } from '../../fixtures/app.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const admin = localBoard

function makeDirectory (db: Db) {
  let time = Date.parse('2026-01-31T12:00:00.000Z')
  const now = () => new Date(time += 1)
  return createDirectory({ db, now, paths: { allowedRoots: [], dataDir: '/nonexistent-data-dir' } })
}

/** A company and a project to work in. */
async function settle (db: Db) {
  const directory = makeDirectory(db)
  const companyId = randomUUID()
  const projectId = randomUUID()
  const company = { companyId, projectId: null, id: companyId }
  const scope = { companyId, projectId: null }
  const inProject = { companyId, projectId }
  await directory.companies.put(admin, company, { name: 'A' })
  await directory.projects.put(admin, { ...scope, id: projectId }, { name: 'P' })
  return { directory, companyId, projectId, company, scope, inProject, project: { ...scope, id: projectId } }
}

async function addWorkspace (db: Db, { companyId, projectId }: { companyId: string, projectId: string }, values: { status: 'active' | 'archived', projectWorkspaceId?: string, sourceIssueId?: string }): Promise<string> {
  const id = randomUUID()
  await db.insertInto('execution_workspaces').values({
    id,
    company_id: companyId,
    project_id: projectId,
    project_workspace_id: values.projectWorkspaceId ?? null,
    source_issue_id: values.sourceIssueId ?? null,
    mode: 'isolated_workspace',
    strategy_type: 'git_worktree',
    provider_type: 'git_worktree',
    name: 'w',
    status: values.status
  }).execute()
  return id
}

async function actionsOf (db: Db, companyId: string): Promise<string[]> {
  const rows = await db.selectFrom('activity_log').select('action').where('company_id', '=', companyId).orderBy('seq').execute()
  return rows.map(row => row.action)
}

onBothDatabases(t, 'the directory', async (t, { db }) => {
  t.test('put creates, replaces, and changes nothing when nothing differs', async t => {
    const { directory, company, companyId } = await settle(db)
    const first = await directory.companies.get(admin, company)
    const again = await directory.companies.put(admin, company, { name: 'A' })
    t.same(again, { item: first, created: false }, 'not even updatedAt')
    const replaced = await directory.companies.put(admin, company, { name: 'B' })
    t.match(replaced, { created: false, item: { name: 'B', createdAt: first.createdAt } })
    t.not(replaced.item.updatedAt, first.updatedAt)
    t.same(await actionsOf(db, companyId), ['company.created', 'project.created', 'company.updated'])
  })

  t.test('activity names what changed, never the values', async t => {
    const { directory, inProject, companyId } = await settle(db)
    await directory.projectWorkspaces.create(admin, inProject, { name: 'a', cleanupCommand: 'rm secret' })
    const row = await db.selectFrom('activity_log').selectAll().where('company_id', '=', companyId).where('action', '=', 'project_workspace.created').executeTakeFirstOrThrow()
    t.ok((row.details?.['changed'] as string[]).includes('cleanupCommand'))
    t.notMatch(JSON.stringify(row.details), /secret/)
    t.match(row, { actor_type: 'board', actor_id: 'local', entity_type: 'project_workspace' })
  })

  t.test('a field left out of a put goes back to its default', async t => {
    const { directory, scope, project } = await settle(db)
    await directory.projects.put(admin, project, { name: 'P', executionWorkspacePolicy: { enabled: true, workspaceStrategy: { type: 'git_worktree' } } })
    t.same((await directory.projects.get(admin, project)).executionWorkspacePolicy, { enabled: true, workspaceStrategy: { type: 'git_worktree' } })
    await directory.projects.put(admin, project, { name: 'P' })
    t.equal((await directory.projects.get(admin, project)).executionWorkspacePolicy, null)
    const { item } = await directory.agents.put(admin, { ...scope, id: randomUUID() }, { name: 'a' })
    t.match(item, { role: 'general', status: 'active', reportsTo: null })
  })

  t.test('20 creations of one id at once make one', async t => {
    const { directory, scope, companyId } = await settle(db)
    const key = { ...scope, id: randomUUID() }
    const results = await Promise.all(Array.from({ length: 20 }, () => directory.agents.put(admin, key, { name: 'a' })))
    t.equal(results.filter(result => result.created).length, 1)
    t.equal((await actionsOf(db, companyId)).filter(action => action === 'agent.created').length, 1)
  })

  t.test('an id of another company or project is a conflict, and can not be read or deleted from here', async t => {
    const here = await settle(db)
    const there = await settle(db)
    const foreign = { ...here.scope, id: there.projectId }
    await t.rejects(here.directory.projects.put(admin, foreign, { name: 'mine' }), { code: 'conflict', statusCode: 409 })
    await t.rejects(here.directory.projects.get(admin, foreign), { code: 'not_found' })
    await t.rejects(here.directory.projects.delete(admin, foreign), { code: 'not_found' })
    t.equal((await there.directory.projects.get(admin, there.project)).name, 'P')
  })

  t.test('what names something that is not there is a 422 that points at it', async t => {
    const { directory, scope, projectId, inProject } = await settle(db)
    const other = await settle(db)
    const id = randomUUID()
    const cases: [object, string][] = [
      [{ projectId: id }, '/projectId'],
      [{ projectId: other.projectId }, '/projectId'],
      [{ projectWorkspaceId: id }, '/projectWorkspaceId'],
      [{ assigneeAgentId: id }, '/assigneeAgentId'],
      [{ executionWorkspaceId: id }, '/executionWorkspaceId']
    ]
    for (const [body, pointer] of cases) {
      await t.rejects(directory.issues.create(admin, scope, { title: 'a', ...body }), { code: 'invalid_reference', members: { errors: [{ pointer }] } }, pointer)
    }
    const elsewhere = await directory.projects.create(admin, scope, { name: 'Q' })
    const workspace = await directory.projectWorkspaces.create(admin, { ...scope, projectId: elsewhere.id }, { name: 'w' })
    await t.rejects(directory.issues.create(admin, scope, { title: 'a', projectId, projectWorkspaceId: workspace.id }), { code: 'invalid_reference' }, 'a workspace of another project')
    await t.rejects(directory.agents.create(admin, scope, { name: 'a', reportsTo: id }), { code: 'invalid_reference', members: { errors: [{ pointer: '/reportsTo' }] } })
    t.same((await directory.issues.list(admin, scope, {})).items, [], 'nothing was made')
    await t.rejects(directory.projectWorkspaces.create(admin, { ...inProject, projectId: id }, { name: 'a' }), { code: 'not_found' }, 'the project of the path')
    await t.rejects(directory.projects.create(admin, { companyId: id, projectId: null }, { name: 'a' }), { code: 'not_found' }, 'the company of the path')
    await t.rejects(directory.projects.list(admin, { companyId: id, projectId: null }, {}), { code: 'not_found' })
  })

  t.test('a runtime config that can not work is a 422 that points at the place', async t => {
    const { directory, scope, inProject } = await settle(db)
    const bad = { commands: [{ name: 'a', command: 5 }] }
    await t.rejects(directory.projectWorkspaces.create(admin, inProject, { name: 'w', runtimeConfig: bad }), { code: 'invalid_runtime_config', members: { errors: [{ pointer: '/runtimeConfig/commands/0/command' }] } })
    await t.rejects(directory.projects.create(admin, scope, { name: 'p', executionWorkspacePolicy: { workspaceRuntime: bad } }), { code: 'invalid_runtime_config', members: { errors: [{ pointer: '/executionWorkspacePolicy/workspaceRuntime/commands/0/command' }] } })
    await t.rejects(directory.issues.create(admin, scope, { title: 'i', executionWorkspaceSettings: { workspaceRuntime: bad } }), { code: 'invalid_runtime_config', members: { errors: [{ pointer: '/executionWorkspaceSettings/workspaceRuntime/commands/0/command' }] } })
  })

  t.test('a project has one primary workspace: the first, until another one asks, and the oldest left when it goes', async t => {
    const { directory, inProject } = await settle(db)
    const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()].map(id => ({ ...inProject, id })) as [Key, Key, Key]
    const primaries = async () => (await directory.projectWorkspaces.list(admin, inProject, {})).items.filter(item => item.isPrimary).map(item => item.id)
    t.equal((await directory.projectWorkspaces.put(admin, a, { name: 'a', isPrimary: false })).item.isPrimary, true, 'the first is it unasked')
    await directory.projectWorkspaces.put(admin, b, { name: 'b' })
    t.same(await primaries(), [a.id])
    await directory.projectWorkspaces.put(admin, c, { name: 'c', isPrimary: true })
    t.same(await primaries(), [c.id])
    t.equal((await directory.projectWorkspaces.put(admin, c, { name: 'c', isPrimary: true })).created, false)
    await directory.projectWorkspaces.put(admin, c, { name: 'c' })
    t.same(await primaries(), [c.id], 'it stays when nobody says')
    await directory.projectWorkspaces.delete(admin, c)
    t.same(await primaries(), [a.id])
    const ofA = await db.selectFrom('activity_log').select(['action', 'actor_type', 'details']).where('entity_id', '=', a.id).orderBy('seq').execute()
    const passed = { action: 'project_workspace.updated', actor_type: 'system', details: { changed: ['isPrimary'] } }
    t.match(ofA, [{ action: 'project_workspace.created', actor_type: 'board' }, passed, passed], 'to be it no more, and to be it again, is recorded')
    t.equal(ofA.length, 3)
    await Promise.all([a, b].map(key => directory.projectWorkspaces.put(admin, key, { name: 'x', isPrimary: true })))
    t.equal((await primaries()).length, 1, 'also when two ask at once')
  })

  t.test('what live things depend on is not deleted; the answer names them', async t => {
    const { directory, company, scope, project, inProject, projectId, companyId } = await settle(db)
    const workspace = { ...inProject, id: (await directory.projectWorkspaces.create(admin, inProject, { name: 'w' })).id }
    const boss = { ...scope, id: (await directory.agents.create(admin, scope, { name: 'boss' })).id }
    const worker = { ...scope, id: (await directory.agents.create(admin, scope, { name: 'worker', reportsTo: boss.id })).id }
    const issue = { ...scope, id: (await directory.issues.create(admin, scope, { title: 'i', projectId, projectWorkspaceId: workspace.id, assigneeAgentId: worker.id })).id }
    await addWorkspace(db, { companyId, projectId }, { status: 'active', projectWorkspaceId: workspace.id, sourceIssueId: issue.id })
    const held = (deletion: Promise<void>, holders: object) => t.rejects(deletion, { code: 'still_in_use', statusCode: 409, members: { holders } })
    await held(directory.companies.delete(admin, company), { projects: 1, agents: 2, issues: 1 })
    await held(directory.projects.delete(admin, project), { projectWorkspaces: 1, executionWorkspaces: 1, issues: 1 })
    await held(directory.projectWorkspaces.delete(admin, workspace), { executionWorkspaces: 1, issues: 1 })
    await held(directory.agents.delete(admin, boss), { reports: 1 })
    await held(directory.agents.delete(admin, worker), { issues: 1 })
    await held(directory.issues.delete(admin, issue), { executionWorkspaces: 1 })
    t.notOk((await actionsOf(db, companyId)).some(action => action.endsWith('.deleted')))
  })

  t.test('what is over holds nothing back and lets go', async t => {
    const { directory, company, scope, project, inProject, projectId, companyId } = await settle(db)
    const workspace = { ...inProject, id: (await directory.projectWorkspaces.create(admin, inProject, { name: 'w' })).id }
    const worker = { ...scope, id: (await directory.agents.create(admin, scope, { name: 'worker', reportsTo: null })).id }
    const former = await directory.agents.create(admin, scope, { name: 'former', reportsTo: worker.id, status: 'terminated' })
    const issue = { ...scope, id: (await directory.issues.create(admin, scope, { title: 'i', status: 'done', projectId, projectWorkspaceId: workspace.id, assigneeAgentId: worker.id })).id }
    const archived = await addWorkspace(db, { companyId, projectId }, { status: 'archived', projectWorkspaceId: workspace.id, sourceIssueId: issue.id })
    await db.insertInto('workspace_operations').values({ id: randomUUID(), company_id: companyId, execution_workspace_id: archived, phase: 'worktree_cleanup', status: 'succeeded' }).execute()
    await directory.projectWorkspaces.delete(admin, workspace)
    await directory.agents.delete(admin, worker)
    t.match(await directory.issues.get(admin, issue), { projectWorkspaceId: null, assigneeAgentId: null, projectId })
    t.equal((await directory.agents.get(admin, { ...scope, id: former.id })).reportsTo, null)
    await directory.projects.delete(admin, project)
    t.same(await db.selectFrom('execution_workspaces').select('id').where('id', '=', archived).execute(), [], 'records of archived workspaces go along')
    await directory.companies.delete(admin, company)
    await t.rejects(directory.companies.get(admin, company), { code: 'not_found' })
    await t.rejects(directory.companies.delete(admin, company), { code: 'not_found' })
    t.equal((await actionsOf(db, companyId)).at(-1), 'company.deleted', 'the record of what was done stays')
  })

  t.test('a list is paged newest first, and complete, also when many were made in one instant', async t => {
    const { directory, scope, companyId } = await settle(db)
    const instant = new Date('2026-01-01T00:00:00.000Z')
    await db.insertInto('agents').values(Array.from({ length: 25 }, (_, index) => ({ id: randomUUID(), company_id: companyId, name: `a${index}`, role: 'r', status: 'active', created_at: index < 20 ? instant : new Date(instant.getTime() + index), updated_at: instant }))).execute()
    const seen: string[] = []
    let cursor: string | undefined
    let pages = 0
    do {
      const page: Page<{ id: string, createdAt: string }> = await directory.agents.list(admin, scope, { limit: 10, cursor })
      seen.push(...page.items.map(item => item.createdAt + item.id))
      cursor = page.nextCursor ?? undefined
      pages += 1
    } while (cursor !== undefined)
    t.equal(pages, 3)
    t.equal(new Set(seen).size, 25)
    t.same(seen, [...seen].sort().reverse())
    t.equal((await directory.agents.list(admin, scope, { limit: 25 })).nextCursor, null, 'a full last page has no next one')
  })

  t.test('everybody sees their own companies; only admins write', async t => {
    const { directory, company, companyId, scope, project } = await settle(db)
    await settle(db)
    for (const actor of [person(companyId, 'viewer'), agentOf(companyId, randomUUID())]) {
      t.same((await directory.companies.listVisible(actor, {})).items.map(item => item.id), [companyId])
      await directory.projects.get(actor, project)
      await t.rejects(directory.companies.put(actor, company, { name: 'x' }), { code: 'forbidden' })
      await t.rejects(directory.projects.delete(actor, project), { code: 'forbidden' })
      await t.rejects(directory.companies.createNew(actor, { name: 'x' }), { code: 'forbidden' })
    }
    await t.rejects(directory.projects.create(person(companyId, 'member'), scope, { name: 'x' }), { code: 'forbidden' })
    await t.rejects(directory.companies.createNew(person(companyId, 'owner'), { name: 'x' }), { code: 'forbidden' })
    t.ok(await directory.projects.create(person(companyId, 'admin'), scope, { name: 'x' }))
    await t.rejects(directory.projects.put(agentOf(companyId, randomUUID()), project, { name: 'x', executionWorkspacePolicy: { workspaceStrategy: { provisionCommand: 'x' } } }), { code: 'forbidden_for_agents' })
  })

  t.test('a checkout keeps its wanted states when it is replaced', async t => {
    const { directory, inProject } = await settle(db)
    const key = { ...inProject, id: randomUUID() }
    await directory.projectWorkspaces.put(admin, key, { name: 'a', cwd: await temporaryFolder(t) })
    await db.updateTable('project_workspaces').set({ desired_state: 'running', service_states: '{"0":"running"}' }).where('id', '=', key.id).execute()
    const { item } = await directory.projectWorkspaces.put(admin, key, { name: 'b' })
    t.match(item, { name: 'b', cwd: null, desiredState: 'running', serviceStates: { 0: 'running' } })
  })
})

interface Key { companyId: string, projectId: string, id: string }
