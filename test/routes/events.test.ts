import { randomInt, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { openDatabase, type Db } from '../../db/client.ts'
import { deleteEventsBefore } from '../../db/company-events.ts'
import { localBoard, systemActor } from '../../services/access/actor.ts'
import { recordActivity } from '../../services/operations/activity.ts'
import { agentOf, buildTestApp, nobody, person, type TestApp } from '../fixtures/app.ts'
import { onBothDatabases, openTestDatabase, silentLog } from '../fixtures/database.ts'
import { eventually } from '../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../fixtures/operations.ts'
import { openStream, type SseClient, type SseEvent } from '../fixtures/sse.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const act = async (db: Db, companyId: string, entityId: string, extra: { action?: string, details?: Record<string, unknown> } = {}) =>
  await recordActivity(db, { companyId, actor: localBoard, action: 'thing.done', entityType: 'thing', entityId, ...extra })

/** What happened, without how far the stream has come. */
const happened = (events: SseEvent[]) => events.filter(({ event }) => event !== 'position')
const entities = (events: SseEvent[]): string[] => happened(events).map(({ data }) => JSON.parse(data).entityId)

async function serve (t: Test, database: TestApp['database']): Promise<TestApp & { events: (companyId: string, query?: string) => string }> {
  const made = await buildTestApp(t, { database })
  const origin = await made.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...made, events: (companyId, query = '') => `${origin}/api/companies/${companyId}/events${query}` }
}

/** Open, and past the place where it began. */
async function follow (t: Test, url: string, options: Parameters<typeof openStream>[2] = {}): Promise<SseClient> {
  const client = await openStream(t, url, options)
  t.equal(client.status, 200)
  if (options.onEvent === undefined) await client.event(({ event }) => event === 'position', 'the place where it begins')
  return client
}

await onBothDatabases(t, 'events of a company', async (t, { db, database }) => {
  const { events, call } = await serve(t, database)

  await t.test('come as they happen: activity, and operations as they begin and end', async t => {
    const { companyId, workspaceId, ...ids } = await companyWithWorkspace(db)
    await act(db, companyId, 'before')
    const client = await follow(t, events(companyId))
    t.match(client.headers, { 'content-type': 'text/event-stream' })
    await recordActivity(db, { companyId, actor: agentOf(companyId, randomUUID()), action: 'thing.done', entityType: 'thing', entityId: '1', details: { changedKeys: ['name'] } })
    const { recorder } = await newRecorder(db, await temporaryFolder(t))
    const { operation } = await recorder.run(operationOf({ companyId, workspaceId, ...ids }, { command: 'a secret command', metadata: { action: 'run' } }), async () => {})
    await client.event(({ event }) => event === 'workspace_operation.ended', 'the end of the operation')
    // One from just before may be among them: what was under way when the stream began is not left out.
    const got = happened(client.events).slice(-3)
    t.same(got.map(({ event }) => event), ['thing.done', 'workspace_operation.started', 'workspace_operation.ended'])
    const [activity, begun, ended] = got.map(({ id, data }) => ({ id, ...JSON.parse(data) }))
    const { body: [entry] } = await call('GET', `/api/companies/${companyId}/activity`)
    t.match(activity, { type: 'thing.done', companyId, entityType: 'thing', entityId: '1' })
    t.strictSame(activity.data, entry, 'an activity is as the API gives it')
    t.match(begun, { type: 'workspace_operation.started', entityId: operation.id, data: { status: 'running', executionWorkspaceId: workspaceId, finishedAt: null } })
    t.match(ended.data, { id: operation.id, action: 'run', status: 'succeeded', startedAt: operation.startedAt, finishedAt: operation.finishedAt })
    t.notMatch(JSON.stringify([begun, ended]), /secret/)
  })

  await t.test('none is lost and none comes twice, however often the reader comes back', async t => {
    const companyId = randomUUID()
    const [writers, each, inOne] = [4, 15, 4]
    const write = async (writer: number) => {
      for (let at = 0; at < each; at++) {
        await db.transaction().execute(async trx => {
          for (let part = 0; part < inOne; part++) await act(trx, companyId, `${writer}.${at}.${part}`)
        })
        await act(db, randomUUID(), 'of another company')
      }
    }
    const first = await follow(t, events(companyId))
    let lastEventId = first.events[0]?.id ?? ''
    first.leave()
    const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    const seen: SseEvent[] = []
    while (seen.length < writers * each * inOne) {
      const want = randomInt(1, 25)
      let client: SseClient | null = null
      const taken: SseEvent[] = []
      // What comes after it has left is not taken, as if the network had lost it.
      const onEvent = (event: SseEvent) => {
        if (taken.length >= want) return
        if (event.event !== 'position') taken.push(event)
        lastEventId = event.id
        if (taken.length === want) client?.leave()
      }
      client = await follow(t, events(companyId), { lastEventId, onEvent })
      const missing = writers * each * inOne - seen.length
      await eventually(() => taken.length >= Math.min(want, missing), 'more events')
      client.leave()
      seen.push(...taken)
    }
    await writing
    const { rows } = await sql<{ entity_id: string }>`select entity_id from company_events where company_id = ${companyId} order by company_events.txid, seq`.execute(db)
    t.equal(rows.length, writers * each * inOne)
    t.same(entities(seen), rows.map(row => row.entity_id))
    const again = await follow(t, events(companyId, '?from=start'))
    await eventually(() => entities(again.events).length >= rows.length, 'all from the start')
    t.same(entities(again.events), rows.map(row => row.entity_id))
  })

  await t.test('a reader that stops reading holds nobody up, and goes on where it stopped', async t => {
    const companyId = randomUUID()
    const [slow, quick] = [await follow(t, events(companyId)), await follow(t, events(companyId))]
    slow.pause()
    const count = 400
    for (let at = 0; at < count; at += 20) {
      await db.transaction().execute(async trx => {
        for (let one = at; one < at + 20; one++) await act(trx, companyId, String(one), { details: { text: 'x'.repeat(20_000) } })
      })
    }
    const all = Array.from({ length: count }, (_, at) => String(at))
    await eventually(() => entities(quick.events).length >= count, 'everything at the quick one')
    t.ok(entities(slow.events).length < count)
    slow.resume()
    await eventually(() => entities(slow.events).length >= count, 'everything at the slow one')
    t.same([entities(quick.events), entities(slow.events)], [all, all])
  })

  await t.test('by type, and who waits for a rare one is told how far the stream is', async t => {
    const companyId = randomUUID()
    const client = await follow(t, events(companyId, '?types=thing.lost,other.'))
    for (let at = 0; at < 150; at++) await act(db, companyId, String(at))
    await act(db, companyId, 'wanted', { action: 'thing.lost' })
    await act(db, companyId, 'wanted too', { action: 'other.thing' })
    await eventually(() => entities(client.events).length >= 2, 'both')
    t.same(client.events.map(({ event }) => event), ['position', 'position', 'thing.lost', 'other.thing'])
    const later = await follow(t, events(companyId, `?after=${client.events[1]?.id}`))
    await eventually(() => entities(later.events).includes('wanted'), 'what came after the place it was told')
    t.equal(entities(later.events)[0], '100')
  })

  await t.test('who has missed some that are not kept any more is told so', async t => {
    const companyId = randomUUID()
    for (const id of ['1', '2', '3']) await act(db, companyId, id)
    const client = await follow(t, events(companyId, '?from=start'))
    await eventually(() => entities(client.events).length === 3, 'all three')
    const ids = happened(client.events).map(({ id }) => id)
    client.leave()
    await sql`update company_events set created_at = now() - interval '2 hours' where company_id <> ${companyId} or entity_id <> '3'`.execute(db)
    while (await deleteEventsBefore(db, new Date(Date.now() - 3_600_000), 1000) > 0);
    const path = `/api/companies/${companyId}/events`
    for (const headers of [{ 'last-event-id': String(ids[0]) }, { 'last-event-id': '0-0' }]) {
      t.match(await call('GET', path, undefined, { headers }), { status: 410, body: { code: 'events_gone', detail: /removed/ } })
    }
    t.match(await call('GET', `${path}?after=9000000000000000000-1`), { status: 410, body: { code: 'events_gone', detail: /restored/ } })
    const kept = await follow(t, events(companyId, `?after=${ids[1]}`))
    await eventually(() => entities(kept.events).length === 1, 'the one that is left')
    const start = await follow(t, events(companyId, '?from=start'))
    await eventually(() => entities(start.events).length === 1, 'what is left from the start on')
    t.equal((await openStream(t, events(companyId), { lastEventId: String(start.events[0]?.id) })).status, 200, 'its first place is good to come back to')
  })
})

t.test('who may read the company may follow it', async t => {
  const { call, app } = await buildTestApp(t)
  const [companyId, path] = [randomUUID(), (id: string) => `/api/companies/${id}/events`]
  t.equal((await call('GET', path(companyId), undefined, { actor: nobody })).status, 401)
  for (const actor of [person(randomUUID()), person(companyId, 'admin', 'suspended'), agentOf(randomUUID(), randomUUID())]) {
    t.match(await call('GET', path(companyId), undefined, { actor }), { status: 403, body: { code: 'forbidden' } })
  }
  for (const actor of [person(companyId, 'viewer'), agentOf(companyId, randomUUID()), localBoard]) {
    const hangUp = new AbortController()
    const response = await app.inject({ method: 'GET', url: path(companyId), headers: { 'x-test-actor': JSON.stringify(actor) }, payloadAsStream: true, signal: hangUp.signal })
    response.stream().on('error', () => { /* That is the hanging up. */ })
    hangUp.abort()
    t.equal(response.statusCode, 200)
  }
  for (const query of ['?after=1', '?after=x-1', '?types=', '?types=A', '?types=a,,b', '?from=then', '?since=1']) t.equal((await call('GET', path(companyId) + query)).status, 400, query)
  t.match(await call('GET', `${path(companyId)}?after=9999999999999999999-1`), { status: 400, body: { code: 'invalid_cursor' } })
  t.equal((await call('GET', path(companyId), undefined, { headers: { 'last-event-id': 'end' } })).status, 400)
})

t.test('of two processes on one PostgreSQL each sees the events of the other, also after its ear was cut off', async t => {
  const { db, database, url } = await openTestDatabase(t, 'postgres')
  const one = await serve(t, database)
  const other = await openDatabase({ databaseUrl: url, dataDir: '/nowhere', log: silentLog })
  t.teardown(other.close)
  const two = await serve(t, other)
  const companyId = randomUUID()
  const clients = [await follow(t, one.events(companyId)), await follow(t, two.events(companyId))]
  const bothSee = async (id: string) => {
    for (const client of clients) await client.event(({ data }) => JSON.parse(data).entityId === id, `event ${id}`)
  }
  await act(db, companyId, 'of one')
  await bothSee('of one')
  await act(other.db, companyId, 'of the other')
  await bothSee('of the other')
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'berth-events'`.execute(db)
  await recordActivity(db, { companyId, actor: systemActor, action: 'a.b', entityType: 'a', entityId: 'while nobody listens' })
  await bothSee('while nobody listens')
  await act(other.db, companyId, 'after that')
  await bothSee('after that')
  for (const { events } of clients) t.same(entities(events), ['of one', 'of the other', 'while nobody listens', 'after that'])
})
