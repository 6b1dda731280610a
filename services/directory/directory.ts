/** The directory in one piece, for the plugin. */
import type { Agent, AgentBody, Issue, IssueBody, Project, ProjectBody, ProjectWorkspace, ProjectWorkspaceBody } from '../../openapi/schemas/directory.ts'
import { createAgents } from './agents.ts'
import { createCompanies, type Companies } from './companies.ts'
import { createIssues } from './issues.ts'
import type { PathRules } from './paths.ts'
import { createProjectWorkspaces } from './project-workspaces.ts'
import { createProjects } from './projects.ts'
import type { Resource, ResourceDeps } from './resource.ts'

export interface Directory {
  companies: Companies
  projects: Resource<ProjectBody, Project>
  projectWorkspaces: Resource<ProjectWorkspaceBody, ProjectWorkspace>
  agents: Resource<AgentBody, Agent>
  issues: Resource<IssueBody, Issue>
}

export function createDirectory (deps: ResourceDeps & { paths: PathRules }): Directory {
  return {
    companies: createCompanies(deps),
    projects: createProjects(deps),
    projectWorkspaces: createProjectWorkspaces(deps),
    agents: createAgents(deps),
    issues: createIssues(deps)
  }
}
