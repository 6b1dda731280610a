/** Project workspaces of a project. */
import { Type } from '@sinclair/typebox'
import { ProjectWorkspace, ProjectWorkspaceBody } from '../openapi/schemas/directory.ts'
import { Uuid, closed } from '../openapi/schemas/kit.ts'
import { conditionsOf, sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'
import { keyOf, scopeOf } from './directory-keys.ts'
import { directorySchemas } from './directory-schemas.ts'

const scope = { companyId: Uuid, projectId: Uuid }

const schemas = directorySchemas({
  name: 'ProjectWorkspace',
  plural: 'ProjectWorkspaces',
  one: 'a project workspace',
  many: 'project workspaces',
  about: 'A standing checkout (`cwd`, which must exist), or only its `repoUrl`. One of a project is primary: the first, until another one asks for it. The default runtime config is checked here: 422 points at the place.',
  holders: 'execution workspaces that are not archived, running services, unfinished operations, open issues',
  Item: ProjectWorkspace,
  Body: ProjectWorkspaceBody,
  Collection: Type.Object(scope, closed),
  One: Type.Object({ ...scope, projectWorkspaceId: Uuid }, closed)
})

export default async function (app: App): Promise<void> {
  const { projectWorkspaces } = app.directory
  const collection = '/companies/:companyId/projects/:projectId/workspaces'
  const one = `${collection}/:projectWorkspaceId`

  app.get(collection, { schema: schemas.list }, async (request, reply) =>
    sendPage(reply, request, await projectWorkspaces.list(request.actor, scopeOf(request.params), request.query)))

  app.post(collection, { schema: schemas.create }, async (request, reply) => {
    const item = await projectWorkspaces.create(request.actor, scopeOf(request.params), request.body)
    return sendCreated(reply, `${request.url}/${item.id}`, item)
  })

  app.put(one, { schema: schemas.put }, async (request, reply) => {
    const { item, created } = await projectWorkspaces.put(request.actor, keyOf(request.params, request.params.projectWorkspaceId), request.body, conditionsOf(request.headers))
    return created ? sendCreated(reply, request.url, item) : item
  })

  app.get(one, { schema: schemas.get }, async ({ actor, params }) =>
    await projectWorkspaces.get(actor, keyOf(params, params.projectWorkspaceId)))

  app.delete(one, { schema: schemas.remove }, async ({ actor, params, headers }, reply) => {
    await projectWorkspaces.delete(actor, keyOf(params, params.projectWorkspaceId), conditionsOf(headers))
    return reply.code(204).send(null)
  })
}
