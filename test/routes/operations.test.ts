import { randomUUID } from 'node:crypto'
import t from 'tap'
import { buildTestApp, person } from '../fixtures/app.ts'
import { companyWithWorkspace, operationOf } from '../fixtures/operations.ts'
import { openStream } from '../fixtures/sse.ts'

const { app, database, call } = await buildTestApp(t)
const ids = await companyWithWorkspace(database.db)
const heartbeatRunId = randomUUID()
const made: string[] = []
for (let index = 0; index < 3; index++) {
  const { operation } = await app.operations.recorder.run(operationOf(ids, { heartbeatRunId, metadata: { index } }), async op => {
    await op.log.write('stdout', `é ${index}\n`)
    await op.log.write('stderr', 'oh\n')
  })
  made.push(operation.id)
}

t.test('operations of a workspace: newest first, the next page in Link', async t => {
  const path = `/api/execution-workspaces/${ids.workspaceId}/workspace-operations`
  const first = await call('GET', `${path}?limit=2`)
  t.equal(first.status, 200)
  t.match(first.body, [{ id: made[2], metadata: { index: 2 } }, { id: made[1] }])
  const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? ''
  const second = await call('GET', next)
  t.match(second.body, [{ id: made[0] }])
  t.equal(second.headers.link, undefined)
})

t.test('operations of a run: oldest first; an unknown run has none', async t => {
  t.same((await call('GET', `/api/heartbeat-runs/${heartbeatRunId}/workspace-operations`)).body.map(({ id }: { id: string }) => id), made)
  const unknown = await call('GET', `/api/heartbeat-runs/${randomUUID()}/workspace-operations`)
  t.match(unknown, { status: 200, body: [] })
})

t.test('one operation with all its fields, its metadata as it was noted', async t => {
  const answer = await call('GET', `/api/workspace-operations/${made[1]}`)
  t.equal(answer.status, 200)
  t.same(answer.body, await app.operations.get({ type: 'system' }, made[1] ?? ''))
  t.match(answer.body, { status: 'succeeded', stdoutExcerpt: 'é 1\n', stderrExcerpt: 'oh\n', metadata: { index: 1 } })
})

t.test('a log in parts of whole lines', async t => {
  const path = `/api/workspace-operations/${made[1]}/log`
  const whole = await call('GET', path)
  t.match(whole.body, { operationId: made[1], store: 'local_file', nextOffset: null })
  const lines = String(whole.body.content).trimEnd().split('\n').map(line => JSON.parse(line) as { stream: string, chunk: string })
  t.match(lines, [{ stream: 'stdout', chunk: 'é 1\n' }, { stream: 'stderr', chunk: 'oh\n' }])
  const first = await call('GET', `${path}?limitBytes=1`)
  const second = await call('GET', `${path}?limitBytes=1&offset=${first.body.nextOffset}`)
  t.equal(first.body.content + second.body.content, whole.body.content)
  t.equal(second.body.nextOffset, null)
})

t.test('a log is followed to its end; who comes back goes on, who has the end is sent away', async t => {
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const op = await app.operations.recorder.begin(operationOf(ids))
  const url = `${base}/api/workspace-operations/${op.id}/log/stream`
  const reader = await openStream(t, url)
  await op.log.write('stdout', 'one\n')
  const first = await reader.event(({ event }) => event === 'log', 'the first line')
  t.match(JSON.parse(first.data), { offset: 0, nextOffset: Number(first.id), lines: [{ stream: 'stdout', chunk: 'one\n' }] })
  await op.log.write('stderr', 'two\n')
  await op.finish({ status: 'failed', exitCode: 1 })
  t.ok(await reader.closed)
  t.same(JSON.parse(reader.events.at(-1)?.data ?? ''), (await call('GET', `/api/workspace-operations/${op.id}`)).body)
  const back = await openStream(t, url, { lastEventId: first.id })
  t.ok(await back.closed)
  t.same(back.events, reader.events.slice(1))
  t.equal((await openStream(t, url, { lastEventId: 'end' })).status, 204)
  t.equal(app.operations.tails.openFiles, 0)
})

t.test('what is not there, or not to be seen, is 404 with the same body', async t => {
  const stranger = person(randomUUID())
  const bare = ({ body }: { body: Record<string, unknown> }) => ({ ...body, instance: '', requestId: '' })
  for (const [seen, unseen] of [
    [`/api/workspace-operations/${made[0]}`, `/api/workspace-operations/${randomUUID()}`],
    [`/api/workspace-operations/${made[0]}/log`, `/api/workspace-operations/${randomUUID()}/log`],
    [`/api/workspace-operations/${made[0]}/log/stream`, `/api/workspace-operations/${randomUUID()}/log/stream`],
    [`/api/execution-workspaces/${ids.workspaceId}/workspace-operations`, `/api/execution-workspaces/${randomUUID()}/workspace-operations`]
  ] as const) {
    const foreign = await call('GET', seen, undefined, { actor: stranger })
    t.equal(foreign.status, 404)
    t.same(bare(foreign), bare(await call('GET', unseen, undefined, { actor: stranger })))
    t.equal((await call('GET', seen, undefined, { actor: { type: 'none' } })).status, 401)
  }
  t.same((await call('GET', `/api/heartbeat-runs/${heartbeatRunId}/workspace-operations`, undefined, { actor: stranger })).body, [])
})

t.test('malformed requests are 400 and point at the place', async t => {
  const operation = `/api/workspace-operations/${made[0]}`
  for (const [url, pointer] of [
    ['/api/workspace-operations/nope', '#/params/id'],
    ['/api/heartbeat-runs/1/workspace-operations', '#/params/runId'],
    [`${operation}/log?limitBytes=2097153`, '#/query/limitBytes'],
    [`${operation}/log?limitBytes=0`, '#/query/limitBytes'],
    [`${operation}/log?offset=-1`, '#/query/offset'],
    [`${operation}/log?offset=1.5`, '#/query/offset'],
    [`${operation}/log?follow=true`, '#/query/follow'],
    [`${operation}/log/stream?tail=-1`, '#/query/tail'],
    [`${operation}/log/stream?attempt=1`, '#/query/attempt'],
    [`/api/execution-workspaces/${ids.workspaceId}/workspace-operations?limit=501`, '#/query/limit']
  ] as const) {
    const answer = await call('GET', url)
    t.match(answer, { status: 400, body: { errors: [{ pointer }] } }, url)
  }
  for (const id of ['1:5', '-1', 'begin']) t.equal((await call('GET', `${operation}/log/stream`, undefined, { headers: { 'last-event-id': id } })).status, 400, id)
  t.match(await call('GET', `/api/execution-workspaces/${ids.workspaceId}/workspace-operations?cursor=nope`), { status: 400, body: { code: 'invalid_cursor' } })
  t.equal((await call('GET', `${operation}/log?limitBytes=2097152&offset=9007199254740991`)).status, 200, 'the largest of both is fine')
})
