/** The queue in front of the embedded database's one session. */
import t from 'tap'
import { SessionAcquireTimeout, SessionMutex } from '../../db/session-mutex.ts'

const outcome = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'got it'
  } catch (error) {
    return (error as Error).message
  }
}

t.test('waiters are served in the order they came', async t => {
  const mutex = new SessionMutex(5_000)
  const served: number[] = []
  await mutex.acquire()
  const waiters = [1, 2, 3].map(async number => {
    await mutex.acquire()
    served.push(number)
    mutex.release()
  })
  mutex.release()
  await Promise.all(waiters)
  t.strictSame(served, [1, 2, 3])
})

t.test('a waiter gives up after its time, says why, and does not hold up the next', async t => {
  const mutex = new SessionMutex(20)
  await mutex.acquire()
  const error: unknown = await mutex.acquire().catch((error: unknown) => error)
  t.ok(error instanceof SessionAcquireTimeout)
  t.match(String(error), /within 20 ms.*inside a transaction waits for ever/)
  mutex.release()
  await mutex.acquire()
  t.pass('free again')
})

t.test('closing turns waiters away, waits for the holder and lets nobody in again', async t => {
  const mutex = new SessionMutex(5_000)
  await mutex.acquire()
  const waiting = outcome(mutex.acquire())
  let closed = false
  const closing = mutex.close(60_000).then(() => { closed = true })
  t.match(await waiting, /is closed/)
  t.equal(closed, false)
  mutex.release()
  await closing
  t.match(await outcome(mutex.acquire()), /is closed/)
})

t.test('closing does not wait longer than its grace time for a holder that never ends', async t => {
  const mutex = new SessionMutex(5_000)
  await mutex.acquire()
  await mutex.close(10)
  t.pass('came back')
})
