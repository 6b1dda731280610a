/** Who may manage the runtime of a workspace: people who may write, and agents whose work it is. */
import { sql } from 'kysely'
import type { Db } from '../../db/client.ts'
import { Forbidden } from '../errors.ts'
import type { Actor, AgentActor } from './actor.ts'
import { requireCompany } from './company-access.ts'

/** Issues in one of these give their assignee a hold on the workspace. */
const workingStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'blocked']

export interface RuntimeTarget {
  companyId: string
  executionWorkspaceId?: string | null
  projectWorkspaceId?: string | null
  /** The issue a workspace is about to be made for. */
  issueId?: string | null
}

export interface RuntimeAccess {
  /**
   * People need write access. An agent needs the role `ceo`, or an open, visible issue linked to the workspace that is
   * assigned to it or to somebody in its reporting subtree (terminated agents left out). Visibility is decided before.
   * @throws Unauthenticated (401), Forbidden (403)
   */
  requireRuntimeManagement (actor: Actor, target: RuntimeTarget): Promise<void>
}

export function createRuntimeAccess ({ db }: { db: Db }): RuntimeAccess {
  return {
    async requireRuntimeManagement (actor, target) {
      requireCompany(actor, target.companyId, 'write')
      if (actor.type !== 'agent') return
      if (!await agentMayManage(db, actor, target)) {
        throw new Forbidden('An agent may manage a workspace only when it is `ceo`, or when an open issue linked to the workspace is assigned to it or to somebody who reports to it.')
      }
    }
  }
}

/** One query: the agent's own record, its subtree, and an issue that links one of them to the workspace. */
async function agentMayManage (db: Db, actor: AgentActor, target: RuntimeTarget): Promise<boolean> {
  const workspaceId = target.executionWorkspaceId ?? null
  const projectWorkspaceId = target.projectWorkspaceId ?? null
  const issueId = target.issueId ?? null
  // `union` drops agents seen before, so a cycle of reports ends.
  const { rows } = await sql<{ allowed: boolean }>`
    with recursive subtree (id) as (
      select id from agents where company_id = ${target.companyId}::uuid and id = ${actor.agentId}::uuid and status <> 'terminated'
      union
      select report.id from agents report join subtree on report.reports_to = subtree.id
        where report.company_id = ${target.companyId}::uuid and report.status <> 'terminated'
    )
    select exists (select from agents join subtree on subtree.id = agents.id where agents.id = ${actor.agentId}::uuid and agents.role = 'ceo')
      or exists (
        select from issues
        where issues.company_id = ${target.companyId}::uuid
          and issues.hidden_at is null
          and issues.status = any(${workingStatuses}::text[])
          and issues.assignee_agent_id in (select id from subtree)
          and (issues.execution_workspace_id = ${workspaceId}::uuid
            or issues.id = (select source_issue_id from execution_workspaces where id = ${workspaceId}::uuid)
            or issues.project_workspace_id = ${projectWorkspaceId}::uuid
            or issues.id = ${issueId}::uuid)
      ) as allowed`.execute(db)
  return rows[0]?.allowed === true
}
