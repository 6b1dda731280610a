/** Projects of a company. */
import { Type } from '@sinclair/typebox'
import { Project, ProjectBody } from '../openapi/schemas/directory.ts'
import { Uuid, closed } from '../openapi/schemas/kit.ts'
import { conditionsOf, sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'
import { keyOf, scopeOf } from './directory-keys.ts'
import { directorySchemas } from './directory-schemas.ts'

const scope = { companyId: Uuid }

const schemas = directorySchemas({
  name: 'Project',
  plural: 'Projects',
  one: 'a project',
  many: 'projects',
  about: 'A project groups workspaces; its policy says how they are made.',
  holders: 'project workspaces, execution workspaces that are not archived, running services, open issues',
  Item: Project,
  Body: ProjectBody,
  Collection: Type.Object(scope, closed),
  One: Type.Object({ ...scope, projectId: Uuid }, closed)
})

export default async function (app: App): Promise<void> {
  const { projects } = app.directory
  const collection = '/companies/:companyId/projects'
  const one = `${collection}/:projectId`

  app.get(collection, { schema: schemas.list }, async (request, reply) =>
    sendPage(reply, request, await projects.list(request.actor, scopeOf(request.params), request.query)))

  app.post(collection, { schema: schemas.create }, async (request, reply) => {
    const item = await projects.create(request.actor, scopeOf(request.params), request.body)
    return sendCreated(reply, `${request.url}/${item.id}`, item)
  })

  app.put(one, { schema: schemas.put }, async (request, reply) => {
    const { item, created } = await projects.put(request.actor, keyOf(request.params, request.params.projectId), request.body, conditionsOf(request.headers))
    return created ? sendCreated(reply, request.url, item) : item
  })

  app.get(one, { schema: schemas.get }, async ({ actor, params }) =>
    await projects.get(actor, keyOf(params, params.projectId)))

  app.delete(one, { schema: schemas.remove }, async ({ actor, params, headers }, reply) => {
    await projects.delete(actor, keyOf(params, params.projectId), conditionsOf(headers))
    return reply.code(204).send(null)
  })
}
