/** Runtime services: one, its log, its log as it comes. */
import { Type } from '@sinclair/typebox'
import { streamExamples } from '../openapi/stream-examples.ts'
import { IdParams } from '../openapi/schemas/common.ts'
import { answer, eventStream, noContent, problems, resource } from '../openapi/schemas/responses.ts'
import { RuntimeService, RuntimeServiceLog, ServiceLogQuery, ServiceLogStreamQuery } from '../openapi/schemas/runtime.ts'
import type { App } from './app.ts'

const tags = ['runtime']

const getOne = {
  operationId: 'getRuntimeService',
  tags,
  summary: 'Get a runtime service',
  description: 'Also one that has ended: `exitCode`, `exitSignal` and `exitReason` say how. `attempt` counts its starts.',
  params: IdParams,
  response: { 200: resource(RuntimeService, 'The service.'), ...problems(404) }
}

const getLog = {
  operationId: 'getRuntimeServiceLog',
  tags,
  summary: 'Read the log of a runtime service',
  description: 'What one start of it has printed, standard output and error as they came, also while it runs: ask again with `nextOffset`. The head of a large log is dropped; `offset` says where the answer begins. What has to be masked together is given whole, whatever `limitBytes` says.',
  params: IdParams,
  querystring: ServiceLogQuery,
  response: { 200: answer(RuntimeServiceLog, 'A part of the log.'), ...problems(404) }
}

const streamLog = {
  operationId: 'streamRuntimeServiceLog',
  tags,
  summary: 'Follow the log of a runtime service',
  description: 'Server-sent events, each with JSON: `log` brings text as it comes; `attempt` says that the service was started again, and goes on with that log; `skipped` says how many `bytes` were dropped before this reader came to them (null where that is not known); `end` brings the service when it is over and all was sent; then the stream closes. Comments in between show that it lives. A slow reader holds nothing up. Come back with `Last-Event-ID` and all is sent once.',
  params: IdParams,
  querystring: ServiceLogStreamQuery,
  headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,8}:[0-9]{1,15}|end)$', description: 'The id of the last event that was received; goes before the query.' })) }),
  response: {
    200: eventStream('The log, from the beginning of the current attempt unless told otherwise.', streamExamples.serviceLog),
    204: noContent('The last event was the `end`: there is nothing more to come.'),
    ...problems(404)
  }
}

export default async function (app: App): Promise<void> {
  app.get('/runtime-services/:id', { schema: getOne }, async ({ actor, params }) =>
    await app.runtimeServices.get(actor, params.id))

  app.get('/runtime-services/:id/log', { schema: getLog }, async ({ actor, params, query }) =>
    await app.runtimeServices.read(actor, params.id, query))

  app.get('/runtime-services/:id/log/stream', { schema: streamLog, sse: 'manual', exposeHeadRoute: false }, async ({ actor, params, query, headers }, reply) =>
    await app.eventStreams.send(reply, await app.runtimeServices.follow(actor, params.id, query, headers['last-event-id'])))
}
