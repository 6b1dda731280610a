/** Issues of a company. */
import { Type } from '@sinclair/typebox'
import { Issue, IssueBody } from '../openapi/schemas/directory.ts'
import { Uuid, closed } from '../openapi/schemas/kit.ts'
import { conditionsOf, sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'
import { keyOf, scopeOf } from './directory-keys.ts'
import { directorySchemas } from './directory-schemas.ts'

const scope = { companyId: Uuid }

const schemas = directorySchemas({
  name: 'Issue',
  plural: 'Issues',
  one: 'an issue',
  many: 'issues',
  about: 'A work item of the orchestrator. Being assigned to an open one lets an agent manage the workspace it is linked to; an open one holds up closing an isolated workspace.',
  holders: 'execution workspaces made for it that are not archived',
  Item: Issue,
  Body: IssueBody,
  Collection: Type.Object(scope, closed),
  One: Type.Object({ ...scope, issueId: Uuid }, closed)
})

export default async function (app: App): Promise<void> {
  const { issues } = app.directory
  const collection = '/companies/:companyId/issues'
  const one = `${collection}/:issueId`

  app.get(collection, { schema: schemas.list }, async (request, reply) =>
    sendPage(reply, request, await issues.list(request.actor, scopeOf(request.params), request.query)))

  app.post(collection, { schema: schemas.create }, async (request, reply) => {
    const item = await issues.create(request.actor, scopeOf(request.params), request.body)
    return sendCreated(reply, `${request.url}/${item.id}`, item)
  })

  app.put(one, { schema: schemas.put }, async (request, reply) => {
    const { item, created } = await issues.put(request.actor, keyOf(request.params, request.params.issueId), request.body, conditionsOf(request.headers))
    return created ? sendCreated(reply, request.url, item) : item
  })

  app.get(one, { schema: schemas.get }, async ({ actor, params }) =>
    await issues.get(actor, keyOf(params, params.issueId)))

  app.delete(one, { schema: schemas.remove }, async ({ actor, params, headers }, reply) => {
    await issues.delete(actor, keyOf(params, params.issueId), conditionsOf(headers))
    return reply.code(204).send(null)
  })
}
