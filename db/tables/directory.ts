/** Tables of the directory: companies, projects, project workspaces, agents, issues. */
import type { Generated } from 'kysely'
import type { ExecutionWorkspacePolicy, IssueStatus, IssueWorkspaceSettings } from '../../openapi/schemas/directory.ts'
import type { JsonObject, JsonOrNull, Stamp } from './columns.ts'

export interface CompaniesTable {
  id: string
  name: string
  created_at: Stamp
  updated_at: Stamp
}

export interface ProjectsTable {
  id: string
  company_id: string
  name: string
  execution_workspace_policy: JsonOrNull<ExecutionWorkspacePolicy>
  created_at: Stamp
  updated_at: Stamp
}

export interface ProjectWorkspacesTable {
  id: string
  company_id: string
  project_id: string
  name: string
  cwd: string | null
  repo_url: string | null
  repo_ref: string | null
  default_ref: string | null
  is_primary: Generated<boolean>
  cleanup_command: string | null
  runtime_config: JsonOrNull<JsonObject>
  metadata: JsonOrNull<JsonObject>
  desired_state: 'running' | 'stopped' | null
  service_states: JsonOrNull<Record<string, 'running' | 'stopped'>>
  created_at: Stamp
  updated_at: Stamp
}

export interface AgentsTable {
  id: string
  company_id: string
  name: string
  role: string
  reports_to: string | null
  status: string
  created_at: Stamp
  updated_at: Stamp
}

export interface IssuesTable {
  id: string
  company_id: string
  identifier: string | null
  title: string
  status: IssueStatus
  project_id: string | null
  project_workspace_id: string | null
  assignee_agent_id: string | null
  execution_workspace_id: string | null
  execution_workspace_settings: JsonOrNull<IssueWorkspaceSettings>
  hidden_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}
