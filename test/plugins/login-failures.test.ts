import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import errors from '../../plugins/errors.ts'
import loginFailures, { type LoginFailuresOptions } from '../../plugins/login-failures.ts'
import { Unauthenticated } from '../../services/errors.ts'
import { eventually } from '../fixtures/eventually.ts'

const good = 'Bearer good'

async function serve (t: Test, options: LoginFailuresOptions): Promise<FastifyInstance> {
  const app = fastify({ trustProxy: true })
  await app.register(errors)
  await app.register(loginFailures, options)
  app.get('/', async ({ headers }) => {
    if (headers.authorization === good) return 'welcome'
    throw new Unauthenticated('Who are you?', { headers: { 'www-authenticate': 'Bearer' } })
  })
  t.teardown(() => app.close())
  return app
}

function login (app: FastifyInstance, { credential = 'Bearer bad', address = '192.0.2.1' } = {}) {
  return app.inject({ url: '/', headers: { authorization: credential, 'x-forwarded-for': address } })
}

t.test('after a few failures the answers to an address wait; nobody else does', async t => {
  const app = await serve(t, { freeFailures: 2, firstDelayMs: 600_000, maxDelayMs: 600_000 })
  for (let count = 0; count < 2; count++) t.equal((await login(app)).statusCode, 401)
  const late = login(app)
  t.equal((await login(app, { credential: good })).statusCode, 200, 'a good credential from the same address')
  t.equal((await login(app, { address: '192.0.2.2' })).statusCode, 401, 'another address')
  t.equal((await app.inject({ url: '/', headers: { 'x-forwarded-for': '192.0.2.1' } })).statusCode, 401, 'no credential at all')
  await app.close()
  t.match(await late, { statusCode: 401, headers: { 'www-authenticate': 'Bearer' } }, 'until the service ends')
})

t.test('each answer waits longer than the one before, up to the longest delay', async t => {
  const app = await serve(t, { freeFailures: 0, firstDelayMs: 20, maxDelayMs: 50 })
  // A timer may be early by a millisecond.
  for (const atLeastMs of [19, 39, 49, 49]) {
    const before = performance.now()
    await login(app)
    t.ok(performance.now() - before >= atLeastMs, `${atLeastMs} ms`)
  }
})

t.test('of many at once only some wait; the others are told to stop', async t => {
  const app = await serve(t, { freeFailures: 0, firstDelayMs: 600_000, maxDelayMs: 600_000, maxWaiting: 2 })
  const answered: Awaited<ReturnType<typeof login>>[] = []
  const all = Array.from({ length: 5 }, async () => { answered.push(await login(app)) })
  await eventually(() => answered.length === 3, 'those that do not wait')
  for (const answer of answered) {
    t.match(answer, { statusCode: 429, headers: { 'retry-after': '600' } })
    t.match(answer.json(), { status: 429, code: 'too_many_requests', instance: '/' })
    t.equal(answer.headers['www-authenticate'], undefined)
  }
  await app.close()
  await Promise.all(all)
  t.same(answered.map(answer => answer.statusCode), [429, 429, 429, 401, 401])
})

t.test('who has not failed for a while is as good as new', async t => {
  const app = await serve(t, { freeFailures: 1, firstDelayMs: 60_000, maxDelayMs: 60_000, forgetAfterMs: 20 })
  await login(app)
  const since = performance.now()
  await eventually(() => performance.now() - since > 25, 'the time to pass')
  t.equal((await login(app)).statusCode, 401)
})
