/** Logging in by key: when it is looked up, and when its use is noted. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import type { Db } from '../../../db/client.ts'
import { makeApiKey } from '../../../services/access/api-keys.ts'
import { createKeyText, isKeyText, keyDigest, keyPrefix, looksLikeKey } from '../../../services/access/api-key-text.ts'
import { createCredentialEnds } from '../../../services/access/credential-ends.ts'
import { createKeyLogin } from '../../../services/access/key-login.ts'
import { createRemembered } from '../../../services/access/remembered.ts'
import { onBothDatabases, silentLog } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

t.test('the text of a key tells itself from others, and from a mistyped one', async t => {
  const texts = new Set(Array.from({ length: 500 }, createKeyText))
  t.equal(texts.size, 500)
  for (const text of texts) if (!/^berth_[0-9A-Za-z]{36}$/.test(text) || !isKeyText(text)) t.fail(text)
  const [text = ''] = texts
  for (let place = 6; place < text.length; place++) {
    const changed = `${text.slice(0, place)}${text[place] === 'a' ? 'b' : 'a'}${text.slice(place + 1)}`
    if (isKeyText(changed)) t.fail(changed)
  }
  for (const bad of ['', 'berth_', text.slice(0, -1), `${text}0`, text.toUpperCase(), ` ${text}`, `${text}\n`]) t.notOk(isKeyText(bad), bad)
  t.ok(looksLikeKey('berth_'))
  t.notOk(looksLikeKey('eyJhbGciOi'))
  t.match(keyDigest('berth_'), /^[0-9a-f]{64}$/)
  t.equal(keyPrefix(text), text.slice(0, 12))
})

const adminKey = (db: Db, expiresAt: Date | null = null) =>
  makeApiKey(db, { company_id: null, name: 'x', actor_type: 'board', agent_id: null, user_id: 'ada', role: null, expires_at: expiresAt }, new Date())

await onBothDatabases(t, 'a key', async (t, { db, database, kind }) => {
  let clock = Date.now()
  const errors: unknown[] = []
  const remembered = createRemembered({ kind, listen: database.listen, now: () => clock, log: silentLog })
  const keys = createKeyLogin({ db, remembered, now: () => new Date(clock), onError: error => errors.push(error) })
  t.teardown(async () => { await keys.close(); await remembered.close() })

  await t.test('of an instance admin', async t => {
    const { text, row } = await adminKey(db)
    t.same(await keys.login(text), { type: 'board', userId: 'ada', instanceAdmin: true, memberships: [], keyId: row.id })
    await t.rejects(keys.login(createKeyText()), { code: 'unauthenticated', detail: 'There is no such API key.' })
  })

  await t.test('is noted as used at most once a minute', async t => {
    const { text, row: { id } } = await adminKey(db)
    const lastUsed = async () => (await db.selectFrom('api_keys').select('last_used_at').where('id', '=', id).executeTakeFirst())?.last_used_at?.getTime()
    const first = clock
    for (const later of [0, 30_000, 60_000]) {
      clock = first + later
      await Promise.all([keys.login(text), keys.login(text)])
      await keys.close()
      t.equal(await lastUsed(), first)
    }
    clock = first + 60_001
    await keys.login(text)
    await eventually(async () => await lastUsed() === clock, 'the next minute')
    t.same(errors, [])
  })

  await t.test('ends when its time has come, to the millisecond', async t => {
    const { text } = await adminKey(db, new Date(clock + 1000))
    t.match(await keys.login(text), { validUntil: new Date(clock + 1000) })
    clock += 999
    t.match(await keys.login(text), { userId: 'ada' })
    clock += 1
    await t.rejects(keys.login(text), { code: 'unauthenticated', detail: 'The API key has expired.' })
  })

  await t.test('is looked up once while nothing ends, by a server of PostgreSQL once a second', async t => {
    const load = () => Promise.resolve(++loads)
    let loads = 0
    const id = randomUUID()
    const recall = async (name: string, how: () => Promise<unknown> = load) => await remembered.recall(name, how, () => [`key:${id}`])
    await eventually(async () => {
      const once = await recall('x')
      return await recall('x') === once
    }, 'a listener')
    const first = loads
    clock += 999
    await recall('x')
    t.equal(loads, first)
    clock += 1
    await recall('x')
    t.equal(loads, kind === 'pglite' ? first : first + 1)
    const second = await recall('x')
    await sql`select pg_notify('berth_credentials', ${`key:${id}`})`.execute(db)
    // The embedded database has told by now; a server's word is on its way.
    if (kind === 'pglite') t.not(await recall('x'), second)
    else await eventually(async () => await recall('x') !== second, 'the word of its end')
    // What ends while it is looked up is not remembered, and what this process ends is forgotten by its own word.
    const before = loads
    await recall('y', async () => { remembered.forget(); return ++loads })
    await recall('y')
    t.equal(await recall('y'), before + 2)
    remembered.forget()
    t.equal(await recall('y'), before + 3)
    await remembered.recall('z', load, () => null)
    await remembered.recall('z', load, () => null)
    t.equal(loads, before + 5)
  })

  await t.test('that ended before anybody watched it, or while nothing could be heard, is told all the same', async t => {
    const { row } = await adminKey(db)
    const hear = { onListening: () => {} }
    const ends = createCredentialEnds({ db, pollMs: 10, log: silentLog, listen: (_channel, { onListening }) => { hear.onListening = onListening; return { listening: false, close: async () => {} } } })
    t.teardown(ends.close)
    const actor = { type: 'board', userId: 'ada', instanceAdmin: true, memberships: [], keyId: row.id } as const
    const [watched, released] = [ends.watch(actor), ends.watch(actor)]
    released.release()
    await db.deleteFrom('api_keys').where('id', '=', row.id).execute()
    await eventually(() => watched.signal.aborted, 'the end that nobody told of')
    t.notOk(released.signal.aborted, 'who does not want to know is not told')
    const late = ends.watch(actor)
    await eventually(() => late.signal.aborted, 'the end from before')
    t.ok(ends.watch({ ...actor, validUntil: new Date(Date.now() - 1) }).signal.aborted, 'what has expired is over at once')
    t.notOk(ends.watch({ ...actor, keyId: randomUUID(), validUntil: new Date(8.64e15) }).signal.aborted, 'and what ends in a far future is not')
  })
})
