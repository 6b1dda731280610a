import { randomUUID } from 'node:crypto'
import t from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import { createLockRows } from '../../../services/operations/lock-rows.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

const { db } = await openTestDatabase(t, 'pglite')
const [here, there] = [randomUUID(), randomUUID()]
for (const id of [here, there]) await upsertHost(db, { id, name: 'x', instanceId: randomUUID(), pid: 1, dataDir: '/x' })
const rows = createLockRows({ db, hostId: here, staleMs: 60_000 })
const others = createLockRows({ db, hostId: there, staleMs: 60_000 })

const holder = (hostId: string) => ({ id: randomUUID(), purpose: 'testing', operationId: null, hostId, since: new Date() })
const wanted = (hostId: string, mode: 'shared' | 'exclusive', waitMs = 10_000) => ({ resource: 'workspace:a', mode, holder: holder(hostId), deadline: performance.now() + waitMs })
const stored = async (): Promise<string[]> => (await db.selectFrom('workspace_locks').select('mode').orderBy('mode').execute()).map(({ mode }) => mode)

t.test('an exclusive one that waits for shared ones lets no new shared one in', async t => {
  const first = wanted(there, 'shared')
  await others.acquire(first)
  const alone = wanted(here, 'exclusive')
  const waiting = rows.acquire(alone)
  await eventually(async () => (await stored()).includes('exclusive'), 'its row')
  await t.rejects(others.acquire(wanted(there, 'shared', 0)), { code: 'workspace_busy' })
  t.same(await stored(), ['exclusive', 'shared'], 'the refused one left no row')
  const late = wanted(there, 'shared', 60_000)
  const lateWaiting = others.acquire(late)
  await others.release(first.holder.id)
  await waiting
  t.same((await stored()).filter(mode => mode === 'exclusive').length, 1, 'one that waits behind it does not hold it up')
  await rows.release(alone.holder.id)
  await lateWaiting
  await others.release(late.holder.id)
  t.same(await stored(), [])
})

t.test('one that gives up waiting leaves no row', async t => {
  const first = wanted(there, 'exclusive')
  await others.acquire(first)
  for (const mode of ['shared', 'exclusive'] as const) {
    await t.rejects(rows.acquire(wanted(here, mode, 30)), { code: 'workspace_busy', members: { holder: { hostId: there } } })
  }
  const controller = new AbortController()
  const waiting = rows.acquire({ ...wanted(here, 'exclusive'), signal: controller.signal })
  controller.abort(new Error('not any more'))
  await t.rejects(waiting, /not any more/)
  t.same(await stored(), ['exclusive'])
  await others.release(first.holder.id)
})

t.test('a row of this host that is held is no leftover', async t => {
  const held = wanted(here, 'exclusive')
  await rows.acquire(held)
  await t.rejects(rows.acquire(wanted(here, 'shared', 0)), { code: 'workspace_busy' })
  t.same(await stored(), ['exclusive'])
  await rows.release(held.holder.id)
})

t.test('a row of this host that nobody here knows is a leftover', async t => {
  const left = wanted(here, 'exclusive')
  await createLockRows({ db, hostId: here, staleMs: 60_000 }).acquire(left)
  const next = wanted(here, 'exclusive', 0)
  await rows.acquire(next)
  await rows.release(next.holder.id)
  t.same(await stored(), [])
})

t.test('what nobody shares is had by one statement, and still by one holder alone', async t => {
  const alone = (hostId: string, waitMs: number) => ({ ...wanted(hostId, 'exclusive', waitMs), resource: 'service:a' })
  const first = alone(there, 10_000)
  await others.acquire(first)
  await t.rejects(rows.acquire(alone(here, 0)), { code: 'workspace_busy', members: { holder: { hostId: there } } })
  await t.rejects(rows.acquire({ ...alone(here, 0), mode: 'shared' }), TypeError)
  const next = alone(here, 10_000)
  const waiting = rows.acquire(next)
  await others.release(first.holder.id)
  await waiting
  t.same(await stored(), ['exclusive'])
  await rows.release(next.holder.id)
})

t.test('what is given up in one breath goes with one statement, what comes later with the next', async t => {
  const statements: string[] = []
  const counted = db.withPlugin({
    transformQuery ({ node }) {
      statements.push(node.kind)
      return node
    },
    transformResult: async ({ result }) => result
  })
  const several = createLockRows({ db: counted, hostId: here, staleMs: 60_000 })
  const held = ['service:b', 'workspace:b', 'service:c'].map(resource => ({ ...wanted(here, 'exclusive'), resource }))
  for (const one of held) await several.acquire(one)
  statements.length = 0
  const [first, second, third] = held.map(one => one.holder.id)
  await Promise.all([several.release(first ?? ''), several.release(second ?? '')])
  t.same(await stored(), ['exclusive'])
  await several.release(third ?? '')
  t.same(await stored(), [])
  t.same(statements, ['DeleteQueryNode', 'DeleteQueryNode'])
})
