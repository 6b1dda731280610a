/** Projects: groups of workspaces, each with its policy. */
import { findCompany } from '../../db/companies.ts'
import { deleteRestOfProject, holdersOfProject } from '../../db/dependents.ts'
import { deleteProject, findProject, insertProject, listProjects, updateProject, type ProjectRow } from '../../db/projects.ts'
import type { ExecutionWorkspacePolicy, Project, ProjectBody } from '../../openapi/schemas/directory.ts'
import { checkRuntimeConfig } from '../runtime/config.ts'
import { jsonColumn } from './json-column.ts'
import { createResource, type Resource, type ResourceDeps } from './resource.ts'
import { toProject } from './shape.ts'

interface Values { name: string, execution_workspace_policy: ExecutionWorkspacePolicy | null }

/** Puts and creates also throw InvalidRuntimeConfig (422) for the policy's runtime config. */
export function createProjects (deps: ResourceDeps): Resource<ProjectBody, Project> {
  const columns = (values: Values) => ({ ...values, execution_workspace_policy: jsonColumn(values.execution_workspace_policy) })
  return createResource<ProjectRow, Values, ProjectBody, Project>({
    entity: 'project',
    writeKind: 'project',
    find: (db, { companyId, id }, lock) => findProject(db, companyId, id, lock),
    list: (db, { companyId }, slice) => listProjects(db, companyId, slice),
    insert: (trx, { companyId, id }, values, now) => insertProject(trx, { id, company_id: companyId, ...columns(values), created_at: now, updated_at: now }),
    update: (trx, { id }, values, now) => updateProject(trx, id, { ...columns(values), updated_at: now }),
    holders: (trx, { id }) => holdersOfProject(trx, id),
    async remove (trx, { id }) {
      await deleteRestOfProject(trx, id)
      await deleteProject(trx, id)
    },
    async prepare (body) {
      checkRuntimeConfig(body.executionWorkspacePolicy?.workspaceRuntime, '/executionWorkspacePolicy/workspaceRuntime')
      return body
    },
    exists: async (db, { companyId }) => await findCompany(db, companyId) !== undefined,
    enter: async () => {},
    values: async (_trx, _key, { name, executionWorkspacePolicy = null }) => ({ name, execution_workspace_policy: executionWorkspacePolicy }),
    toItem: toProject
  }, deps)
}
