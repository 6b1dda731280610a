/** Issues: the orchestrator's work items, linked to the workspace they are worked on in. */
import type { Db } from '../../db/client.ts'
import { findCompany } from '../../db/companies.ts'
import { holdersOfIssue } from '../../db/dependents.ts'
import { deleteIssue, findIssue, insertIssue, listIssues, updateIssue, type IssueRow } from '../../db/issues.ts'
import { findProjectWorkspace } from '../../db/project-workspaces.ts'
import type { Issue, IssueBody } from '../../openapi/schemas/directory.ts'
import { checkRuntimeConfig } from '../runtime/config.ts'
import { jsonColumn } from './json-column.ts'
import { createResource, type Key, type Resource, type ResourceDeps } from './resource.ts'
import { toIssue } from './shape.ts'
import { invalidReference } from './violations.ts'

type Values = Omit<IssueRow, 'id' | 'company_id' | 'created_at' | 'updated_at'>

/** Puts and creates also throw InvalidReference and InvalidRuntimeConfig, both 422. */
export function createIssues (deps: ResourceDeps): Resource<IssueBody, Issue> {
  const columns = (values: Values) => ({ ...values, execution_workspace_settings: jsonColumn(values.execution_workspace_settings) })
  return createResource<IssueRow, Values, IssueBody, Issue>({
    entity: 'issue',
    writeKind: 'issue',
    find: (db, { companyId, id }, lock) => findIssue(db, companyId, id, lock),
    list: (db, { companyId }, slice) => listIssues(db, companyId, slice),
    insert: (trx, { companyId, id }, values, now) => insertIssue(trx, { id, company_id: companyId, ...columns(values), created_at: now, updated_at: now }),
    update: (trx, { id }, values, now) => updateIssue(trx, id, { ...columns(values), updated_at: now }),
    holders: (trx, { id }) => holdersOfIssue(trx, id),
    remove: (trx, { id }) => deleteIssue(trx, id),
    async prepare (body) {
      checkRuntimeConfig(body.executionWorkspaceSettings?.workspaceRuntime, '/executionWorkspaceSettings/workspaceRuntime')
      return body
    },
    exists: async (db, { companyId }) => await findCompany(db, companyId) !== undefined,
    enter: async () => {},
    values: valuesOf,
    toItem: toIssue
  }, deps)
}

async function valuesOf (trx: Db, { companyId }: Key, body: IssueBody): Promise<Values> {
  const { projectId, projectWorkspaceId } = body
  // The database knows both belong to the company; that one belongs to the other only shows here.
  if (projectId != null && projectWorkspaceId != null &&
    await findProjectWorkspace(trx, companyId, projectId, projectWorkspaceId) === undefined) {
    throw invalidReference('/projectWorkspaceId', 'project workspace of this project')
  }
  return {
    identifier: body.identifier ?? null,
    title: body.title,
    status: body.status ?? 'todo',
    project_id: lower(projectId),
    project_workspace_id: lower(projectWorkspaceId),
    assignee_agent_id: lower(body.assigneeAgentId),
    execution_workspace_id: lower(body.executionWorkspaceId),
    execution_workspace_settings: body.executionWorkspaceSettings ?? null,
    hidden_at: body.hiddenAt == null ? null : new Date(body.hiddenAt)
  }
}

function lower (id: string | null | undefined): string | null {
  return id?.toLowerCase() ?? null
}
