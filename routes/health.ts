/** The service itself: alive, ready, its numbers, its document. */
import { Type } from '@sinclair/typebox'
import { answer } from '../openapi/schemas/responses.ts'
import { Health, Readiness } from '../openapi/schemas/service.ts'
import type { App } from './app.ts'

const tags = ['service']
const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

const live = {
  operationId: 'getHealth',
  tags,
  summary: 'Is the process alive',
  description: 'Answers as long as the process can; asks nothing else.',
  security: [],
  response: { 200: answer(Health, 'It is alive.') }
}

const ready = {
  operationId: 'getReadiness',
  tags,
  summary: 'Is it ready to work',
  description: 'Ready when the database answers and what the last run left unfinished is dealt with; says what was found and done, and whether the disk has room for new work.',
  security: [],
  response: { 200: answer(Readiness, 'It is ready.'), 503: answer(Readiness, 'Not yet; `recovery` and `database` say why.') }
}

const metrics = {
  operationId: 'getMetrics',
  tags,
  summary: 'Numbers for Prometheus',
  description: 'Requests, their durations, refused writes by the code of their problem, memory and CPU of the process, in the text format 0.0.4. Open to all, as the other paths here: it holds no data of companies. Where its numbers are nobody else\'s business, the gateway keeps it in.',
  security: [],
  response: {
    200: Type.Unsafe<string>({
      description: 'Lines of metrics.',
      content: { 'text/plain': { schema: { type: 'string' }, example: '# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 104857600\n' } }
    })
  }
}

const document = {
  operationId: 'getOpenapiDocument',
  tags,
  summary: 'This document',
  description: 'The OpenAPI 3.1 document of the running version.',
  security: [],
  response: { 200: answer(Type.Unsafe<object>({ type: 'object', additionalProperties: true }), 'The document.', { example: { openapi: '3.1.0' } }) }
}

export default async function (app: App): Promise<void> {
  app.get('/healthz', { schema: live }, async () => app.health.live())

  app.get('/readyz', { schema: ready }, async (_request, reply) => {
    const readiness = await app.health.ready()
    return reply.code(readiness.status === 'ready' ? 200 : 503).send(readiness)
  })

  app.get('/metrics', { schema: metrics }, async (_request, reply) =>
    reply.type(metricsType).serializer(String).send(await app.metrics.render()))

  app.get('/openapi.json', { schema: document }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(app.swagger()))
}
