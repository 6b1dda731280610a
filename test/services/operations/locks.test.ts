import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import { isProblem } from '../../../services/errors.ts'
import { createLocks, type LockRequest, type Locks } from '../../../services/operations/locks.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import type { Db } from '../../../db/client.ts'
import { companyWithOperation } from '../../fixtures/operations.ts'

async function newHost (db: Db): Promise<string> {
  const id = randomUUID()
  await upsertHost(db, { id, name: 'test', instanceId: randomUUID(), pid: 1, dataDir: '/nowhere' })
  return id
}

function request (resource: string, extra: Partial<LockRequest> = {}): LockRequest {
  return { resource, mode: 'exclusive', purpose: 'testing', waitMs: 10_000, ...extra }
}

/** Takes a lock and keeps it until told; resolves once it is held. */
async function hold (locks: Locks, wanted: LockRequest): Promise<{ release: () => Promise<void> }> {
  const held = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const done = locks.withLock(wanted, async () => {
    held.resolve()
    await end.promise
  })
  done.catch(held.reject)
  await held.promise
  return {
    async release () {
      end.resolve()
      await done
    }
  }
}

async function refusal (t: Test, work: Promise<unknown>) {
  const error = await work.then(() => null, (thrown: unknown) => thrown)
  if (!isProblem(error)) {
    t.fail('a problem was expected', { error })
    throw new Error('no problem')
  }
  t.equal(error.code, 'workspace_busy')
  return error
}

await onBothDatabases(t, 'within one process', async (t, { db }) => {
  const hostId = await newHost(db)
  const locks = createLocks({ db, hostId })
  const rows = async (): Promise<number> => {
    await locks.settled()
    return (await db.selectFrom('workspace_locks').select('id').execute()).length
  }

  await t.test('20 at once have an exclusive lock one after another, in the order they came', async t => {
    const order: number[] = []
    let inside = 0
    await Promise.all(Array.from({ length: 20 }, async (_, index) => await locks.withLock(request('workspace:a'), async () => {
      t.equal(++inside, 1)
      t.equal(await rows(), 1)
      order.push(index)
      inside--
    })))
    t.same(order, [...order].sort((a, b) => a - b))
    t.equal(await rows(), 0, 'nothing is left')
  })

  await t.test('shared holders are inside together, an exclusive one waits for them', async t => {
    const first = await hold(locks, request('workspace:a', { mode: 'shared' }))
    const second = await hold(locks, request('workspace:a', { mode: 'shared' }))
    t.equal(await rows(), 1, 'they share the row too')
    let entered = false
    const alone = locks.withLock(request('workspace:a'), async () => { entered = true })
    await first.release()
    t.notOk(entered)
    await second.release()
    await alone
    t.ok(entered)
  })

  await t.test('resources do not hinder each other', async () => {
    const held = await hold(locks, request('workspace:a'))
    await locks.withLock(request('workspace:b', { waitMs: 0 }), async () => {})
    await held.release()
  })

  await t.test('who does not get it in time is told who has it and for what operation', async t => {
    const { operationId } = await companyWithOperation(db)
    const held = await hold(locks, request('workspace:a', { purpose: 'archiving', operationId }))
    for (const waitMs of [0, 30]) {
      const error = await refusal(t, locks.withLock(request('workspace:a', { mode: 'shared', waitMs }), async () => {}))
      t.match(error.detail, `The workspace is busy: archiving (operation ${operationId})`)
      t.equal(error.members.operationId, operationId)
      t.match(error.members, { holder: { purpose: 'archiving', hostId } })
    }
    t.match(locks.holdersOf('workspace:a'), [{ purpose: 'archiving' }])
    await held.release()
    t.same(locks.holdersOf('workspace:a'), [])
    t.equal(await rows(), 0)
  })

  await t.test('an operation that begins under a lock can be named later', async t => {
    const { operationId } = await companyWithOperation(db)
    await locks.withLock(request('service:x', { purpose: 'starting web' }), async held => {
      await held.nameOperation(operationId)
      const error = await refusal(t, locks.withLock(request('service:x', { waitMs: 0 }), async () => {}))
      t.equal(error.members.operationId, operationId)
      t.equal((await db.selectFrom('workspace_locks').select('operation_id').executeTakeFirst())?.operation_id, operationId)
    })
  })

  await t.test('a step that throws gives the lock back, and its value comes out', async t => {
    await t.rejects(locks.withLock(request('workspace:a'), async () => { throw new Error('inside') }), /inside/)
    t.equal(await locks.withLock(request('workspace:a', { waitMs: 0 }), async () => 42), 42)
  })

  await t.test('an aborted wait ends with the reason, an aborted request takes nothing', async t => {
    const held = await hold(locks, request('workspace:a'))
    const controller = new AbortController()
    const waiting = locks.withLock(request('workspace:a', { signal: controller.signal }), async () => {})
    controller.abort(new Error('no longer wanted'))
    await t.rejects(waiting, /no longer wanted/)
    await t.rejects(locks.withLock(request('workspace:b', { signal: controller.signal }), async () => {}), /no longer wanted/)
    await held.release()
    t.equal(await rows(), 0)
  })
})

await onBothDatabases(t, 'between hosts', async (t, { db }) => {
  const [here, there] = [await newHost(db), await newHost(db)]
  const locks = createLocks({ db, hostId: here })
  const others = createLocks({ db, hostId: there })

  await t.test('a lock of another host is waited for', async t => {
    const held = await hold(others, request('workspace:a', { purpose: 'cleaning up' }))
    const error = await refusal(t, locks.withLock(request('workspace:a', { waitMs: 0 }), async () => {}))
    t.match(error.detail, 'cleaning up')
    let entered = false
    const waiting = locks.withLock(request('workspace:a'), async () => { entered = true })
    t.notOk(entered)
    await held.release()
    await waiting
    t.ok(entered)
  })

  await t.test('never two inside at once, whoever races', async t => {
    let exclusive = 0
    let shared = 0
    const enter = async (side: Locks, mode: 'shared' | 'exclusive'): Promise<void> => await side.withLock(request('workspace:a', { mode, waitMs: 30_000 }), async () => {
      if (mode === 'exclusive') t.same([++exclusive, shared], [1, 0])
      else t.same([exclusive, ++shared > 0], [0, true])
      await new Promise(resolve => setImmediate(resolve))
      if (mode === 'exclusive') exclusive--
      else shared--
    })
    await Promise.all(Array.from({ length: 24 }, async (_, index) => await enter(index % 2 === 0 ? locks : others, index % 3 === 0 ? 'exclusive' : 'shared')))
  })

  await t.test('a host that is dead holds nothing', async t => {
    await hold(others, request('workspace:a'))
    await refusal(t, locks.withLock(request('workspace:a', { waitMs: 0 }), async () => {}))
    await db.updateTable('hosts').set({ heartbeat_at: sql<Date>`now() - interval '61 seconds'` }).where('id', '=', there).execute()
    await locks.withLock(request('workspace:a', { waitMs: 0 }), async () => {})
  })

  await t.test('what a crashed process of this host left is void at the next start, and even before', async t => {
    await hold(locks, request('workspace:a', { mode: 'shared' }))
    await hold(locks, request('workspace:b'))
    const restarted = createLocks({ db, hostId: here })
    await restarted.withLock(request('workspace:b', { waitMs: 0 }), async () => {})
    // A lock that was given up is gone for the next one at once, and from the database a moment later.
    await Promise.all([locks.settled(), restarted.settled()])
    t.equal(await restarted.releaseAllOf(here), 1)
    await restarted.withLock(request('workspace:a', { waitMs: 0 }), async () => {})
  })
})
