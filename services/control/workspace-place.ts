/** Finds what a new workspace is made in and for: project, project workspace, source issue, agent. */
import type { Db } from '../../db/client.ts'
import { findCompany } from '../../db/companies.ts'
import { findIssue } from '../../db/issues.ts'
import { findPrimary, findProjectWorkspace } from '../../db/project-workspaces.ts'
import { findProject } from '../../db/projects.ts'
import type { Row } from '../../db/tables.ts'
import type { CreateWorkspaceBody } from '../../openapi/schemas/workspace.ts'
import type { Actor } from '../access/actor.ts'
import { absent } from '../access/company-access.ts'
import { invalidReference } from '../directory/violations.ts'
import { InvalidReference } from '../errors.ts'

export interface WorkspacePlace {
  project: Row<'projects'>
  projectWorkspace: Row<'project_workspaces'> | null
  issue: Row<'issues'> | null
  /** Who works there: the agent that asks, else whom the issue is assigned to. */
  agent: Pick<Row<'agents'>, 'id' | 'name'> | null
}

/**
 * Looks the references of a request up, all inside the company. Without `projectWorkspaceId` the policy's default
 * counts, else the project's primary one; null when the project has none.
 * @throws NotFound (404) without such a company, InvalidReference (422) with the pointer of what does not exist
 */
export async function findPlace (db: Db, actor: Actor, companyId: string, body: CreateWorkspaceBody): Promise<WorkspacePlace> {
  const project = await findProject(db, companyId, body.projectId)
  if (project === undefined) {
    if (await findCompany(db, companyId) === undefined) throw absent()
    throw invalidReference('/projectId', 'project')
  }
  const projectWorkspace = await projectWorkspaceOf(db, project, body)
  const issue = await issueOf(db, project, body)
  const agentId = actor.type === 'agent' ? actor.agentId : issue?.assignee_agent_id ?? null
  const agent = agentId === null
    ? undefined
    : await db.selectFrom('agents').select(['id', 'name']).where('company_id', '=', companyId).where('id', '=', agentId).executeTakeFirst()
  return { project, projectWorkspace, issue, agent: agent ?? null }
}

async function projectWorkspaceOf (db: Db, project: Row<'projects'>, body: CreateWorkspaceBody): Promise<Row<'project_workspaces'> | null> {
  const byDefault = project.execution_workspace_policy?.defaultProjectWorkspaceId ?? null
  const id = body.projectWorkspaceId ?? byDefault
  if (id === null) return await findPrimary(db, project.id) ?? null
  const found = await findProjectWorkspace(db, project.company_id, project.id, id)
  if (found !== undefined) return found
  if (body.projectWorkspaceId != null) throw invalidReference('/projectWorkspaceId', 'workspace of this project')
  throw new InvalidReference(`The project's policy names ${id} as its default workspace, which the project does not have.`)
}

async function issueOf (db: Db, project: Row<'projects'>, body: CreateWorkspaceBody): Promise<Row<'issues'> | null> {
  if (body.sourceIssueId == null) return null
  const issue = await findIssue(db, project.company_id, body.sourceIssueId)
  if (issue === undefined) throw invalidReference('/sourceIssueId', 'issue')
  if (issue.project_id !== null && issue.project_id !== project.id) throw invalidReference('/sourceIssueId', 'issue of this project')
  return issue
}
