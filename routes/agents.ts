/** Agents of a company. */
import { Type } from '@sinclair/typebox'
import { Agent, AgentBody } from '../openapi/schemas/directory.ts'
import { Uuid, closed } from '../openapi/schemas/kit.ts'
import { conditionsOf, sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'
import { keyOf, scopeOf } from './directory-keys.ts'
import { directorySchemas } from './directory-schemas.ts'

const scope = { companyId: Uuid }

const schemas = directorySchemas({
  name: 'Agent',
  plural: 'Agents',
  one: 'an agent',
  many: 'agents',
  about: 'An automated worker. The role `ceo` may manage every runtime of the company; the status `terminated` takes every right away.',
  holders: 'agents that report to it, open issues assigned to it',
  Item: Agent,
  Body: AgentBody,
  Collection: Type.Object(scope, closed),
  One: Type.Object({ ...scope, agentId: Uuid }, closed)
})

export default async function (app: App): Promise<void> {
  const { agents } = app.directory
  const collection = '/companies/:companyId/agents'
  const one = `${collection}/:agentId`

  app.get(collection, { schema: schemas.list }, async (request, reply) =>
    sendPage(reply, request, await agents.list(request.actor, scopeOf(request.params), request.query)))

  app.post(collection, { schema: schemas.create }, async (request, reply) => {
    const item = await agents.create(request.actor, scopeOf(request.params), request.body)
    return sendCreated(reply, `${request.url}/${item.id}`, item)
  })

  app.put(one, { schema: schemas.put }, async (request, reply) => {
    const { item, created } = await agents.put(request.actor, keyOf(request.params, request.params.agentId), request.body, conditionsOf(request.headers))
    return created ? sendCreated(reply, request.url, item) : item
  })

  app.get(one, { schema: schemas.get }, async ({ actor, params }) =>
    await agents.get(actor, keyOf(params, params.agentId)))

  app.delete(one, { schema: schemas.remove }, async ({ actor, params, headers }, reply) => {
    await agents.delete(actor, keyOf(params, params.agentId), conditionsOf(headers))
    return reply.code(204).send(null)
  })
}
