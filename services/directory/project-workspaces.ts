/** Project workspaces: standing checkouts of a project's repository; one of a project's is primary. */
import { holdersOfProjectWorkspace, releaseProjectWorkspace } from '../../db/dependents.ts'
import { deleteProjectWorkspace, findOldest, findPrimary, findProjectWorkspace, insertProjectWorkspace, listProjectWorkspaces, lockProject, updateProjectWorkspace, type ProjectWorkspaceRow } from '../../db/project-workspaces.ts'
import { findProject } from '../../db/projects.ts'
import type { Db } from '../../db/client.ts'
import type { ProjectWorkspace, ProjectWorkspaceBody } from '../../openapi/schemas/directory.ts'
import { systemActor } from '../access/actor.ts'
import { absent } from '../access/company-access.ts'
import { checkRuntimeConfig } from '../runtime/config.ts'
import { jsonColumn } from './json-column.ts'
import { checkProjectPath, type PathRules } from './paths.ts'
import { checkRepoUrl } from './repo-url.ts'
import { createResource, type Key, type Resource, type ResourceDeps } from './resource.ts'
import { record } from './resource-write.ts'
import { toProjectWorkspace } from './shape.ts'

type Values = Pick<ProjectWorkspaceRow, 'name' | 'cwd' | 'repo_url' | 'repo_ref' | 'default_ref' | 'is_primary' | 'cleanup_command' | 'runtime_config' | 'metadata'>

/** Puts and creates also throw PathNotAllowed, Unprocessable (the URL) and InvalidRuntimeConfig, all 422. */
export function createProjectWorkspaces (deps: ResourceDeps & { paths: PathRules }): Resource<ProjectWorkspaceBody, ProjectWorkspace> {
  return createResource<ProjectWorkspaceRow, Values, ProjectWorkspaceBody, ProjectWorkspace>({
    entity: 'project_workspace',
    writeKind: 'project_workspace',
    find: (db, { companyId, projectId, id }) => findProjectWorkspace(db, companyId, projectId ?? '', id),
    list: (db, { companyId, projectId }, slice) => listProjectWorkspaces(db, companyId, projectId ?? '', slice),
    insert: (trx, { companyId, projectId, id }, values, now) => insertProjectWorkspace(trx, { id, company_id: companyId, project_id: projectId ?? '', ...columns(values), created_at: now, updated_at: now }),
    update: (trx, { id }, values, now) => updateProjectWorkspace(trx, id, { ...columns(values), updated_at: now }),
    holders: (trx, { id }) => holdersOfProjectWorkspace(trx, id),
    remove: (trx, row) => remove(trx, row, deps.now()),
    prepare: body => prepare(body, deps.paths),
    exists: async (db, { companyId, projectId }) => await findProject(db, companyId, projectId ?? '') !== undefined,
    // The one lock of a project's workspaces: it also decides which of them is primary.
    async enter (trx, { companyId, projectId }) {
      if (!await lockProject(trx, companyId, projectId ?? '')) throw absent()
    },
    values: (trx, key, body, existing) => valuesOf(trx, key, body, existing, deps.now()),
    toItem: toProjectWorkspace
  }, deps)
}

function columns (values: Values) {
  return { ...values, runtime_config: jsonColumn(values.runtime_config), metadata: jsonColumn(values.metadata) }
}

async function prepare (body: ProjectWorkspaceBody, paths: PathRules): Promise<ProjectWorkspaceBody> {
  checkRuntimeConfig(body.runtimeConfig, '/runtimeConfig')
  if (typeof body.repoUrl === 'string') checkRepoUrl(body.repoUrl)
  if (typeof body.cwd !== 'string') return body
  return { ...body, cwd: await checkProjectPath(body.cwd, paths) }
}

async function valuesOf (trx: Db, key: Key, body: ProjectWorkspaceBody, existing: ProjectWorkspaceRow | undefined, now: Date): Promise<Values> {
  return {
    name: body.name,
    cwd: body.cwd ?? null,
    repo_url: body.repoUrl ?? null,
    repo_ref: body.repoRef ?? null,
    default_ref: body.defaultRef ?? null,
    is_primary: await becomesPrimary(trx, key, body.isPrimary === true, existing, now),
    cleanup_command: body.cleanupCommand ?? null,
    runtime_config: body.runtimeConfig ?? null,
    metadata: body.metadata ?? null
  }
}

/** A project always has one primary: it stays until another one asks for it, and the first one is it unasked. */
async function becomesPrimary (trx: Db, { projectId }: Key, asked: boolean, existing: ProjectWorkspaceRow | undefined, now: Date): Promise<boolean> {
  if (existing?.is_primary === true) return true
  const present = await findPrimary(trx, projectId ?? '')
  if (present === undefined) return true
  if (!asked) return false
  await passPrimary(trx, present, false, now)
  return true
}

async function remove (trx: Db, row: ProjectWorkspaceRow, now: Date): Promise<void> {
  await releaseProjectWorkspace(trx, row.id)
  await deleteProjectWorkspace(trx, row.id)
  if (!row.is_primary) return
  const next = await findOldest(trx, row.project_id)
  if (next !== undefined) await passPrimary(trx, next, true, now)
}

/** What follows from a change of another workspace, done and recorded as the service's own. */
async function passPrimary (trx: Db, row: ProjectWorkspaceRow, isPrimary: boolean, now: Date): Promise<void> {
  await updateProjectWorkspace(trx, row.id, { is_primary: isPrimary, updated_at: now })
  const key = { companyId: row.company_id, projectId: row.project_id, id: row.id }
  await record(trx, { actor: systemActor, key, entity: 'project_workspace', what: 'updated', changed: ['is_primary'] })
}
