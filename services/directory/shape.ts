/** Rows of the directory as the API shows them. */
import type { AgentRow } from '../../db/agents.ts'
import type { CompanyRow } from '../../db/companies.ts'
import type { IssueRow } from '../../db/issues.ts'
import type { ProjectWorkspaceRow } from '../../db/project-workspaces.ts'
import type { ProjectRow } from '../../db/projects.ts'
import type { Agent, Company, Issue, Project, ProjectWorkspace } from '../../openapi/schemas/directory.ts'

function stamps (row: { created_at: Date, updated_at: Date }): { createdAt: string, updatedAt: string } {
  return { createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() }
}

export function toCompany (row: CompanyRow): Company {
  return { id: row.id, name: row.name, ...stamps(row) }
}

export function toProject (row: ProjectRow): Project {
  return {
    id: row.id,
    companyId: row.company_id,
    name: row.name,
    executionWorkspacePolicy: row.execution_workspace_policy,
    ...stamps(row)
  }
}

export function toProjectWorkspace (row: ProjectWorkspaceRow): ProjectWorkspace {
  return {
    id: row.id,
    companyId: row.company_id,
    projectId: row.project_id,
    name: row.name,
    cwd: row.cwd,
    repoUrl: row.repo_url,
    repoRef: row.repo_ref,
    defaultRef: row.default_ref,
    isPrimary: row.is_primary,
    cleanupCommand: row.cleanup_command,
    runtimeConfig: row.runtime_config,
    metadata: row.metadata,
    desiredState: row.desired_state,
    serviceStates: row.service_states,
    ...stamps(row)
  }
}

export function toAgent (row: AgentRow): Agent {
  return { id: row.id, companyId: row.company_id, name: row.name, role: row.role, reportsTo: row.reports_to, status: row.status, ...stamps(row) }
}

export function toIssue (row: IssueRow): Issue {
  return {
    id: row.id,
    companyId: row.company_id,
    identifier: row.identifier,
    title: row.title,
    status: row.status,
    projectId: row.project_id,
    projectWorkspaceId: row.project_workspace_id,
    assigneeAgentId: row.assignee_agent_id,
    executionWorkspaceId: row.execution_workspace_id,
    executionWorkspaceSettings: row.execution_workspace_settings,
    hiddenAt: row.hidden_at?.toISOString() ?? null,
    ...stamps(row)
  }
}
