/** "Try it out" with the examples as they are: every operation but the deletions, from top to bottom. */
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { exampleIds } from '../../openapi/example-ids.ts'
import { rememberIds, useSeenIds } from '../../plugins/docs-page.ts'
import { buildTestApp, type Answer } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'

interface Operation {
  parameters?: { name: string, in: string, example?: unknown }[]
  requestBody?: { content: Record<string, { example?: unknown }> }
  responses: Record<string, { content?: Record<string, unknown> }>
}

// The service is not ready while it recovers; the workspace of the examples is shared, so nothing of it is rescued.
const notTried = ['/readyz', '/api/execution-workspaces/{id}/rescue/files/{path}']

// POST before PUT: where a path has both, PUT changes what POST made.
const order = ['post', 'put', 'get', 'patch']

/** A stream ends with what it follows: that it begins is enough, then its client hangs up. */
async function beginOfStream (app: FastifyInstance, url: string): Promise<Pick<Answer, 'status' | 'text'>> {
  const hangUp = new AbortController()
  const response = await app.inject({ method: 'GET', url, payloadAsStream: true, signal: hangUp.signal })
  response.stream().on('error', () => { /* That is the hanging up. */ })
  hangUp.abort()
  return { status: response.statusCode, text: String(response.headers['content-type']) }
}

t.test('the examples work as they are, from top to bottom', async t => {
  const { app, call } = await buildTestApp(t)
  // Services of the example outlive the app unless they are stopped; a session that borrows one would only let go of it.
  t.teardown(async () => {
    const { status, text } = await call('POST', `/api/projects/${exampleIds.project}/workspaces/${exampleIds.projectWorkspace}/runtime-services/stop`)
    if (status !== 200) throw new Error(`The service of the examples goes on: ${text}`)
  })
  const { paths } = JSON.parse(JSON.stringify(app.swagger())) as { paths: Record<string, Record<string, Operation>> }
  let tried = 0
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of order) {
      const operation = methods[method]
      if (operation === undefined || notTried.includes(path)) continue
      const url = path.replace(/\{(\w+)\}/g, (_whole, name: string) => String(operation.parameters?.find(one => one.in === 'path' && one.name === name)?.example))
      const example = operation.requestBody?.content['application/json']?.example
      const request = useSeenIds({ url, body: example === undefined ? undefined : JSON.stringify(example) })
      const isStream = operation.responses['200']?.content?.['text/event-stream'] !== undefined
      const answer = isStream ? await beginOfStream(app, request.url) : await call(method.toUpperCase() as 'GET', request.url, request.body)
      rememberIds({ url: request.url, status: answer.status, text: answer.text })
      tried += 1
      // What the examples began has ended by now, and can't be cancelled any more.
      if (path.endsWith('/cancel') && answer.text.includes('"operation_ended"')) continue
      if (answer.status > 299) t.fail(`${method} ${url} answered ${answer.status}: ${answer.text}`)
      else if (operation.responses[answer.status] === undefined) t.fail(`${method} ${url} answered ${answer.status}, which it does not declare`)
    }
  }
  t.ok(tried > 35, `${tried} operations were tried`)
  await eventually(() => app.eventStreams.open === 0, 'the streams to be left')
})
