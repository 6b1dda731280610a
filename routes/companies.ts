/** Companies: the tenants. */
import { Type } from '@sinclair/typebox'
import { CompanyParams } from '../openapi/schemas/common.ts'
import { Company, CompanyBody } from '../openapi/schemas/directory.ts'
import { closed } from '../openapi/schemas/kit.ts'
import { conditionsOf, sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'
import { keyOf } from './directory-keys.ts'
import { directorySchemas } from './directory-schemas.ts'

const schemas = directorySchemas({
  name: 'Company',
  plural: 'Companies',
  one: 'a company',
  many: 'companies',
  about: 'A company is the tenant; every row belongs to one.',
  holders: 'projects, agents, open issues',
  Item: Company,
  Body: CompanyBody,
  Collection: Type.Object({}, closed),
  One: CompanyParams
})

export default async function (app: App): Promise<void> {
  const { companies } = app.directory

  app.get('/companies', { schema: { ...schemas.list, description: 'Those you may see, newest first.' } }, async (request, reply) =>
    sendPage(reply, request, await companies.listVisible(request.actor, request.query)))

  app.post('/companies', { schema: schemas.create }, async (request, reply) => {
    const item = await companies.createNew(request.actor, request.body)
    return sendCreated(reply, `${request.url}/${item.id}`, item)
  })

  app.put('/companies/:companyId', { schema: schemas.put }, async (request, reply) => {
    const { item, created } = await companies.put(request.actor, keyOf(request.params, request.params.companyId), request.body, conditionsOf(request.headers))
    return created ? sendCreated(reply, request.url, item) : item
  })

  app.get('/companies/:companyId', { schema: schemas.get }, async ({ actor, params }) =>
    await companies.get(actor, keyOf(params, params.companyId)))

  app.delete('/companies/:companyId', { schema: schemas.remove }, async ({ actor, params, headers }, reply) => {
    await companies.delete(actor, keyOf(params, params.companyId), conditionsOf(headers))
    return reply.code(204).send(null)
  })
}
