/** The queries of closing, on both databases. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { detachIssues, findLatestOperation, findProjectPolicy, findProjectWorkspaces, listFolderHolders, listLeaseRuns, listLinkedIssues, listProjectFolders } from '../../db/archival.ts'
import { makeHarbour } from '../fixtures/archive.ts'
import { onBothDatabases } from '../fixtures/database.ts'

await onBothDatabases(t, 'what closing is decided by', async (t, { db }) => {
  const { addRow, read, companyId, projectId, projectWorkspaceId, repo } = await makeHarbour(t, { db })
  const id = await addRow({ realized_path: '/data/a_b', cwd: '/data/a_b' })
  const row = await read(id)

  await addRow({ realized_path: '/data/a_b/below', name: 'below' })
  await addRow({ realized_path: '/data/axb', name: 'only alike' })
  await addRow({ realized_path: '/data/a_bc', name: 'longer' })
  await addRow({ realized_path: '/data/a_b/gone', name: 'gone', status: 'archived' })
  t.same((await listFolderHolders(db, '/data/a_b', id)).map(({ name }) => name), ['below'], 'in the folder and below, as text and not as a pattern')

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
})
