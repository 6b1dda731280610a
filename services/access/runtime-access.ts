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

/**
 * One query: the agent's own record, and an issue that links it, or somebody below it, to the workspace. Few issues are
 * linked to one workspace, so there the way goes up from their assignees; a project workspace may have all of a
 * company's, so there it goes down from the agent and ends at the first that fits.
 */
async function agentMayManage (db: Db, actor: AgentActor, target: RuntimeTarget): Promise<boolean> {
  const workspaceId = target.executionWorkspaceId ?? null
  const projectWorkspaceId = target.projectWorkspaceId ?? null
  const issueId = target.issueId ?? null
  const company = sql`${target.companyId}::uuid`
  const agent = sql`${actor.agentId}::uuid`
  const isOpen = sql`issues.company_id = ${company} and issues.hidden_at is null and issues.status = any(${workingStatuses}::text[])`
  // `union` drops agents seen before, so a cycle of reports ends.
  const { rows } = await sql<{ allowed: boolean }>`
    with recursive above (id, reports_to) as (
      select id, reports_to from agents where company_id = ${company} and status <> 'terminated' and id in (
        select assignee_agent_id from issues where ${isOpen} and (
          issues.execution_workspace_id = ${workspaceId}::uuid
          or issues.id = (select source_issue_id from execution_workspaces where id = ${workspaceId}::uuid)
          or issues.id = ${issueId}::uuid))
      union
      select manager.id, manager.reports_to from agents manager join above on manager.id = above.reports_to
        where manager.company_id = ${company} and manager.status <> 'terminated'
    ), below (id) as (
      select id from agents where company_id = ${company} and id = ${agent} and status <> 'terminated' and ${projectWorkspaceId}::uuid is not null
      union
      select report.id from agents report join below on report.reports_to = below.id
        where report.company_id = ${company} and report.status <> 'terminated'
    )
    select exists (select from agents where company_id = ${company} and id = ${agent} and role = 'ceo' and status <> 'terminated')
      or exists (select from above where id = ${agent})
      or exists (
        select from below, lateral (
          select from issues where assignee_agent_id = below.id and issues.project_workspace_id = ${projectWorkspaceId}::uuid and ${isOpen} limit 1
        ) as first
      ) as allowed`.execute(db)
  return rows[0]?.allowed === true
}
