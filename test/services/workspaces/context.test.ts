/** What commands are told about where they run. */
import { test } from 'tap'
import { openTestDatabase } from '../../fixtures/database.ts'
import { agentIn, isolated, issueIn, rowOf, workspaceHouse } from '../../fixtures/workspaces.ts'
import { loadCommandContext } from '../../../services/workspaces/context.ts'

test('command contexts', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const house = await workspaceHouse(t, db)
  const [assignee, other] = [await agentIn(house), await agentIn(house)]
  const sourceIssueId = await issueIn(house, { assigneeAgentId: assignee })
  const made = await isolated(house, { sourceIssueId })
  const row = await rowOf(house, made.id)

  t.same(await loadCommandContext(db, row), {
    companyId: house.companyId,
    projectId: house.projectId,
    projectWorkspaceId: house.projectWorkspaceId,
    workspace: {
      cwd: made.cwd, path: made.cwd, worktreePath: made.cwd, branchName: made.branchName, baseCwd: house.repository, repoRoot: house.repository, repoRef: 'HEAD', repoUrl: null, source: 'git_worktree', created: false
    },
    issue: { id: sourceIssueId, identifier: 'ACME-7', title: 'Fix the login page' },
    agent: { id: assignee, name: 'Ada' }
  })
  t.match(await loadCommandContext(db, row, { agentId: other, created: true }), { agent: { id: other }, workspace: { created: true } })

  const shared = await house.control.create(house.actor, house.companyId, { projectId: house.projectId })
  t.match(await loadCommandContext(db, await rowOf(house, shared.id)), { workspace: { cwd: house.repository, worktreePath: null, source: 'project_primary' }, issue: null, agent: null })

  const projectWorkspace = await db.selectFrom('project_workspaces').selectAll().where('id', '=', house.projectWorkspaceId).executeTakeFirstOrThrow()
  t.match(await loadCommandContext(db, projectWorkspace), { projectWorkspaceId: house.projectWorkspaceId, workspace: { cwd: house.repository, baseCwd: house.repository }, issue: null })
})
