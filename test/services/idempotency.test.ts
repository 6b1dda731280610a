import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import type { Db } from '../../db/client.ts'
import { createIdempotency, type Claim, type Claimed } from '../../services/idempotency.ts'
import { localBoard, type Actor } from '../../services/access/actor.ts'
import { digestOfKey } from '../../services/sealed-answer.ts'
import { onBothDatabases } from '../fixtures/database.ts'

const request = { actor: localBoard as Actor, path: '/api/companies', key: 'first-try', body: { name: 'x' } }
const answer = { status: 201, headers: { location: '/there' }, body: '{"id":1}' }
const stillRunning = { code: 'conflict', headers: { 'retry-after': '1' } }

/** The claim of a request that was let through. */
async function claimOf (claimed: Promise<Claimed>): Promise<Claim> {
  const { claim } = await claimed
  if (claim === null) throw new Error('an answer was kept')
  return claim
}

/** As if so much time had passed for all keys that nobody renews. */
async function timeIsUp (db: Db): Promise<void> {
  await db.updateTable('idempotency_keys').set({ expires_at: new Date(Date.now() - 1000) }).execute()
}

onBothDatabases(t, 'the first answer to a key is given again, to the same request alone', async (t, { db }) => {
  const idempotency = createIdempotency({ db, hostId: randomUUID() })
  const claim = await claimOf(idempotency.claim(request))
  await t.rejects(idempotency.claim(request), stillRunning, 'the first one is still running')

  await idempotency.keep(claim, answer)
  t.same((await idempotency.claim(request)).kept, answer)
  t.notMatch(await db.selectFrom('idempotency_keys').select(['key', 'body']).execute(), [{ key: request.key }])
  t.not((await db.selectFrom('idempotency_keys').select('body').executeTakeFirst())?.body, answer.body, 'and can be read with the key alone')
  await t.rejects(idempotency.claim({ ...request, body: { name: 'y' } }), { code: 'idempotency_mismatch' })
  t.equal((await idempotency.claim({ ...request, path: '/api/other' })).kept, null, 'another path has keys of its own')
  const other: Actor = { type: 'agent', agentId: 'a', companyId: 'c', runId: null }
  t.equal((await idempotency.claim({ ...request, actor: other })).kept, null, 'so has another actor')

  const [{ hours }] = (await db.selectFrom('idempotency_keys').select(eb => eb.fn<number>('date_part', [eb.val('epoch'), eb('expires_at', '-', eb.ref('created_at'))]).as('hours')).where('status', '=', 201).execute()) as [{ hours: number }]
  t.equal(Math.round(hours / 3600), 24, 'for a day')
  await timeIsUp(db)
  t.equal((await idempotency.claim({ ...request, body: { name: 'y' } })).kept, null, 'then the key is free')
})

onBothDatabases(t, 'a body is what it says, in whatever order', async (t, { db }) => {
  const idempotency = createIdempotency({ db, hostId: randomUUID() })
  const body = { a: 1, b: { c: [1, { e: 2, d: null }], __proto__x: true } }
  await idempotency.keep(await claimOf(idempotency.claim({ ...request, body })), answer)
  t.same((await idempotency.claim({ ...request, body: { b: { __proto__x: true, c: [1, { d: null, e: 2 }] }, a: 1 } })).kept, answer)
  for (const other of [{ ...body, a: '1' }, { a: 1 }, { ...body, f: 1 }, { ...body, b: { ...body.b, c: [{ e: 2, d: null }, 1] } }, null, []]) {
    await t.rejects(idempotency.claim({ ...request, body: other }), { code: 'idempotency_mismatch' }, JSON.stringify(other))
  }
})

onBothDatabases(t, 'a key given back can be used at once, and old ones are swept', async (t, { db }) => {
  const idempotency = createIdempotency({ db, hostId: randomUUID() })
  await idempotency.release(await claimOf(idempotency.claim(request)))
  t.equal((await idempotency.claim(request)).kept, null)
  await t.rejects(idempotency.claim({ ...request, key: 'line\nbreak' }), { code: 'bad_request' })
  await idempotency.keep(await claimOf(idempotency.claim({ ...request, key: 'answered' })), answer)
  await timeIsUp(db)
  await idempotency.sweep()
  t.same((await db.selectFrom('idempotency_keys').select('key').execute()), [{ key: digestOfKey(request.key) }], 'what is under way stays, however late it is')
})

onBothDatabases(t, 'of many at once one is let through, by whichever process', async (t, { db }) => {
  const processes = Array.from({ length: 4 }, () => createIdempotency({ db, hostId: randomUUID() }))
  for (let round = 0; round < 3; round++) {
    const results = await Promise.allSettled(Array.from({ length: 20 }, async (_, n) => await processes[n % 4]?.claim({ ...request, key: `round-${round}` })))
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, stillRunning)
  }
})

onBothDatabases(t, 'a request holds its key as long as its process says so', async (t, { db }) => {
  const [here, there] = [createIdempotency({ db, hostId: randomUUID() }), createIdempotency({ db, hostId: randomUUID() })]
  const claim = await claimOf(here.claim(request))
  await timeIsUp(db)
  await t.rejects(here.claim(request), stillRunning, 'this process knows what it is at, however late the renewal is')
  await here.renew()
  await t.rejects(there.claim(request), stillRunning, 'renewed, it holds for others too')

  await timeIsUp(db)
  const second = await claimOf(there.claim(request))
  await here.keep(claim, answer)
  await t.rejects(here.claim(request), stillRunning, 'what has lost its claim neither answers for the other')
  await here.release(claim)
  await t.rejects(here.claim(request), stillRunning, 'nor gives its key away')
  await there.keep(second, { ...answer, body: 'of the second' })
  t.match((await here.claim(request)).kept, { body: 'of the second' })
})

onBothDatabases(t, 'what a dead process was at is free when its host starts anew', async (t, { db }) => {
  const hostId = randomUUID()
  const dead = createIdempotency({ db, hostId })
  const other = createIdempotency({ db, hostId: randomUUID() })
  await dead.claim(request)
  await dead.keep(await claimOf(dead.claim({ ...request, key: 'answered' })), answer)
  await other.claim({ ...request, key: 'of another host' })

  const again = createIdempotency({ db, hostId })
  await t.rejects(again.claim(request), stillRunning)
  await again.releaseLeftovers()
  t.equal((await again.claim(request)).kept, null)
  t.same((await again.claim({ ...request, key: 'answered' })).kept, answer, 'answers stay')
  await t.rejects(again.claim({ ...request, key: 'of another host' }), stillRunning)
})

onBothDatabases(t, 'an answer that could not be stored is stored later, and the key is not given away', async (t, { db }) => {
  const idempotency = createIdempotency({ db, hostId: randomUUID() })
  const claim = await claimOf(idempotency.claim(request))
  await sql`alter table idempotency_keys rename to not_there`.execute(db)
  await t.rejects(idempotency.keep(claim, answer), /idempotency_keys/)
  await sql`alter table not_there rename to idempotency_keys`.execute(db)
  await timeIsUp(db)
  await t.rejects(idempotency.claim(request), stillRunning)
  await idempotency.renew()
  t.same((await idempotency.claim(request)).kept, answer)
})
