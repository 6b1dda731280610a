/** The activity of a company. */
import { CompanyParams } from '../openapi/schemas/common.ts'
import { Activity } from '../openapi/schemas/directory.ts'
import { ActivityQuery } from '../openapi/schemas/event.ts'
import { page } from '../openapi/schemas/responses.ts'
import { sendPage } from './answers.ts'
import type { App } from './app.ts'

const listActivity = {
  operationId: 'listActivity',
  tags: ['activity'],
  summary: 'List what happened in a company',
  description: 'Newest first: who did what to which thing. `details` names what changed, never commands or secrets. Filters narrow it: an entry has to fit all that are given.',
  params: CompanyParams,
  querystring: ActivityQuery,
  response: { 200: page(Activity, 'A page of activity.') }
}

export default async function (app: App): Promise<void> {
  app.get('/companies/:companyId/activity', { schema: listActivity }, async (request, reply) =>
    sendPage(reply, request, await app.activity.list(request.actor, request.params.companyId, request.query)))
}
