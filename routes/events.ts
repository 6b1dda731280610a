/** The events of a company, as they come. */
import { streamExamples } from '../openapi/stream-examples.ts'
import { CompanyParams } from '../openapi/schemas/common.ts'
import { CompanyEvent, EventsHeaders, EventsQuery } from '../openapi/schemas/event.ts'
import { eventStream, problems } from '../openapi/schemas/responses.ts'
import type { App } from './app.ts'

const streamEvents = {
  operationId: 'streamCompanyEvents',
  tags: ['activity'],
  summary: 'Follow what happens in a company',
  description: 'Server-sent events: every activity and every change of an operation\'s status, in order, each once, named by its type, with a `CompanyEvent` as data. Come back with `Last-Event-ID` and you get what came after it; events that are not kept any more are a 410. A `position` only says how far the stream is: the first event is one. Comments in between show that the stream lives.',
  params: CompanyParams,
  querystring: EventsQuery,
  headers: EventsHeaders,
  response: { 200: eventStream('The events, without an end.', streamExamples.companyEvents, CompanyEvent), ...problems(410) }
}

export default async function (app: App): Promise<void> {
  app.get('/companies/:companyId/events', { schema: streamEvents, sse: 'manual', exposeHeadRoute: false }, async ({ actor, params, query, headers }, reply) =>
    await app.eventStreams.send(reply, await app.companyEvents.follow(actor, params.companyId, { ...query, after: headers['last-event-id'] ?? query.after })))
}
