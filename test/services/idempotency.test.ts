import t from 'tap'
import { createIdempotency } from '../../services/idempotency.ts'
import { localBoard, type Actor } from '../../services/access/actor.ts'
import { onBothDatabases } from '../fixtures/database.ts'

const request = { actor: localBoard as Actor, path: '/api/companies', key: 'first-try', body: { name: 'x' } }
const answer = { status: 201, headers: { location: '/there' }, body: '{"id":1}' }

onBothDatabases(t, 'the first answer to a key is given again, to the same request alone', async (t, { db }) => {
  let time = new Date('2026-01-01T00:00:00.000Z')
  const idempotency = createIdempotency({ db, now: () => time })
  const { kept, key } = await idempotency.claim(request)
  t.equal(kept, null, 'nothing is kept yet')
  await t.rejects(idempotency.claim(request), { code: 'conflict', headers: { 'retry-after': '1' } }, 'the first one is still running')

  await idempotency.keep(key, answer)
  t.same((await idempotency.claim(request)).kept, answer)
  await t.rejects(idempotency.claim({ ...request, body: { name: 'y' } }), { code: 'idempotency_mismatch' })
  t.equal((await idempotency.claim({ ...request, path: '/api/other' })).kept, null, 'another path has keys of its own')
  const other: Actor = { type: 'agent', agentId: 'a', companyId: 'c', runId: null }
  t.equal((await idempotency.claim({ ...request, actor: other })).kept, null, 'so has another actor')

  time = new Date('2026-01-02T00:00:01.000Z')
  t.equal((await idempotency.claim({ ...request, body: { name: 'y' } })).kept, null, 'after a day the key is free')
})

onBothDatabases(t, 'a key given back can be used at once, and old ones are swept', async (t, { db }) => {
  let time = new Date('2026-01-01T00:00:00.000Z')
  const idempotency = createIdempotency({ db, now: () => time })
  const { key } = await idempotency.claim(request)
  await idempotency.release(key)
  t.equal((await idempotency.claim(request)).kept, null)
  await t.rejects(idempotency.claim({ ...request, key: 'line\nbreak' }), { code: 'bad_request' })
  time = new Date('2026-01-02T00:00:00.000Z')
  await idempotency.sweep()
  t.same(await db.selectFrom('idempotency_keys').selectAll().execute(), [])
})
