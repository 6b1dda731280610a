/** Those of one process who share have one row; others see it for as long as any of them is there. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import { createLockRows } from '../../../services/operations/lock-rows.ts'
import { createSharedRows } from '../../../services/operations/shared-rows.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'

const { db } = await openTestDatabase(t, 'pglite')
const [here, there] = [randomUUID(), randomUUID()]
for (const id of [here, there]) await upsertHost(db, { id, name: 'x', instanceId: randomUUID(), pid: 1, dataDir: '/x' })
const rows = createLockRows({ db, hostId: here, staleMs: 60_000 })
const shared = createSharedRows(rows)
const others = createLockRows({ db, hostId: there, staleMs: 60_000 })

const wanted = (hostId: string, mode: 'shared' | 'exclusive', waitMs = 10_000) => ({
  resource: 'workspace:a', mode, holder: { id: randomUUID(), purpose: 'testing', operationId: null, hostId, since: new Date() }, deadline: performance.now() + waitMs
})
const stored = async (): Promise<string[]> => (await db.selectFrom('workspace_locks').select('mode').orderBy('mode').execute()).map(({ mode }) => mode)

t.test('one row for all at once, gone with the last of them', async t => {
  const all = await Promise.all(Array.from({ length: 5 }, async () => await shared.acquire(wanted(here, 'shared'))))
  t.same(await stored(), ['shared'])
  const [first, ...rest] = all
  await first?.release()
  t.same(await stored(), ['shared'])
  const alone = wanted(there, 'exclusive')
  const waiting = others.acquire(alone)
  await eventually(async () => (await stored()).length === 2, 'the one who wants it alone to wait')
  for (const one of rest) await one.release()
  await waiting
  t.same(await stored(), ['exclusive'])
  await t.rejects(shared.acquire(wanted(here, 'shared', 0)), { code: 'workspace_busy' })
  await others.release(alone.holder.id)
  const again = await shared.acquire(wanted(here, 'shared'))
  t.same(await stored(), ['shared'])
  await again.release()
  t.same(await stored(), [])
})

t.test('whoever keeps coming does not hold up one who waits to have it alone', async t => {
  const first = await shared.acquire(wanted(here, 'shared'))
  const alone = wanted(there, 'exclusive')
  const waiting = others.acquire(alone)
  await eventually(async () => (await stored()).includes('exclusive'), 'the one who waits')
  const late = shared.acquire(wanted(here, 'shared', 60_000))
  await first.release()
  await waiting
  t.same((await stored()).filter(mode => mode === 'exclusive'), ['exclusive'])
  await others.release(alone.holder.id)
  await (await late).release()
  t.same(await stored(), [])
})

t.test('why the first could not have it is no reason for those who joined it', async t => {
  const alone = wanted(there, 'exclusive')
  await others.acquire(alone)
  const controller = new AbortController()
  const first = shared.acquire({ ...wanted(here, 'shared'), signal: controller.signal })
  const second = shared.acquire(wanted(here, 'shared', 60_000))
  const hurried = shared.acquire(wanted(here, 'shared', 0))
  controller.abort(new Error('not any more'))
  await t.rejects(first, /not any more/)
  await t.rejects(hurried, { code: 'workspace_busy' })
  await others.release(alone.holder.id)
  await (await second).release()
  t.same(await stored(), [])
})

t.test('a look that fails leaves nothing behind', async t => {
  const broken = createSharedRows({ ...rows, lookAs: () => Promise.reject(new Error('no database')) })
  const first = await broken.acquire(wanted(here, 'shared'))
  await t.rejects(broken.acquire(wanted(here, 'shared')), /no database/)
  t.same(await stored(), ['shared'], 'the first holds it still')
  await first.release()
  t.same(await stored(), [])
})
