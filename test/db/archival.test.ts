/** The queries of closing, on both databases. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { detachIssues, findFolderSharer, findLatestOperation, findProjectPolicy, findProjectWorkspaces, handOverService, listFolderHolders, listLeaseRuns, listLinkedIssues, listProjectFolders } from '../../db/archival.ts'
import { makeHarbour } from '../fixtures/archive.ts'
import { onBothDatabases } from '../fixtures/database.ts'

await onBothDatabases(t, 'what closing is decided by', async (t, { db }) => {
  const { addRow, read, companyId, projectId, projectWorkspaceId, repo, hostId } = await makeHarbour(t, { db })
  const id = await addRow({ realized_path: '/data/a_b', cwd: '/data/a_b' })
  const row = await read(id)

  await addRow({ realized_path: '/data/a_b/below', name: 'below' })
  await addRow({ realized_path: '/data/axb', name: 'only alike' })
  await addRow({ realized_path: '/data/a_bc', name: 'longer' })
  await addRow({ realized_path: '/data/a_b/gone', name: 'gone', status: 'archived' })
  t.same((await listFolderHolders(db, '/data/a_b', id)).map(({ name }) => name), ['below'], 'in the folder and below, as text and not as a pattern')

  t.equal(await findFolderSharer(db, row), undefined)
  const sharer = await addRow({ cwd: '/data/a_b', name: 'sharer', status: 'idle' })
  t.match(await findFolderSharer(db, row), { id: sharer })

  const other = randomUUID()
  await db.insertInto('companies').values({ id: other, name: 'Another' }).execute()
  const issues = [{ id: randomUUID(), company_id: companyId, title: 'Ours', status: 'todo' as const, execution_workspace_id: id }]
  await db.insertInto('issues').values(issues).execute()
  t.match(await listLinkedIssues(db, row), [{ title: 'Ours', status: 'todo' }])
  t.same(await detachIssues(db, row, new Date()), [issues[0]?.id])
  t.same(await listLinkedIssues(db, row), [])

  t.same(await listProjectFolders(db), [repo])
  t.match(await findProjectWorkspaces(db, row), [{ id: projectWorkspaceId, is_primary: true }])
  t.equal(await findProjectPolicy(db, projectId), null)
  t.same(await listLeaseRuns(db, id, new Date()), [])
  t.equal(await findLatestOperation(db, id, 'worktree_cleanup'), undefined)

  const service = { company_id: companyId, execution_workspace_id: id, scope_type: 'project_workspace', service_name: 'web', lifecycle: 'shared', identity_key: 'k', provider: 'local_process', health_status: 'healthy', host_id: hostId } as const
  const [live, ended] = [randomUUID(), randomUUID()]
  await db.insertInto('runtime_services').values([{ ...service, id: live, status: 'running' }, { ...service, id: ended, status: 'stopped' }]).execute()
  for (const serviceId of [live, ended]) await handOverService(db, serviceId, sharer, new Date())
  const owners = await db.selectFrom('runtime_services').select(['id', 'execution_workspace_id']).execute()
  t.same(Object.fromEntries(owners.map(one => [one.id, one.execution_workspace_id])), { [live]: sharer, [ended]: id }, 'only what lives is handed over')
})
