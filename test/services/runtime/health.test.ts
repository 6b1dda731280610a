import { createServer } from 'node:http'
import t from 'tap'
import { healthPlanOf, nextHealth, watchHealth, type HealthState } from '../../../services/runtime/health.ts'
import { eventually } from '../../fixtures/eventually.ts'

t.test('several failures in a row make it unhealthy, one good look makes it healthy again', async t => {
  const looks = [false, false, true, false, false, false, false, true]
  const states: HealthState[] = []
  looks.reduce((state, ok) => {
    const next = nextHealth(state, ok, 3)
    states.push(next)
    return next
  }, { healthy: true, failuresInARow: 0 })
  t.same(states.map(({ healthy }) => healthy), [true, true, true, true, true, false, false, true])
  t.same(states.map(({ failuresInARow }) => failuresInARow), [1, 2, 0, 1, 2, 3, 4, 0])
})

t.test('what can be asked again and again is watched, by the entry or by the usual values', async t => {
  const http = { type: 'http' as const, url: 'http://127.0.0.1:1/' }
  t.same(healthPlanOf({}, http), { probe: http, intervalMs: 10_000, failureThreshold: 3 })
  t.same(healthPlanOf({ health: { intervalSec: 2, failureThreshold: 1 } }, http), { probe: http, intervalMs: 2000, failureThreshold: 1 })
  t.equal(healthPlanOf({ health: { intervalSec: 2 } }, null), null)
  t.equal(healthPlanOf({}, { type: 'log', pattern: 'ready', logPath: '/log' }), null)
})

t.test('a change is told at once, a lasting failure with every look, and nothing after the end', async t => {
  let status = 200
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    response.writeHead(status).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  const told: { healthy: boolean, seen: string }[] = []
  const watch = watchHealth({ probe: { type: 'http', url }, intervalMs: 5, failureThreshold: 2 }, {
    random: () => 0,
    onLook: ({ healthy }, seen) => told.push({ healthy, seen })
  })
  await eventually(() => asked >= 3, 'it looks again and again')
  t.same(told, [], 'good looks are no news')
  status = 503
  await eventually(() => told.length >= 2, 'it is told to be unhealthy, and still so')
  t.same(told.slice(0, 2), Array.from({ length: 2 }, () => ({ healthy: false, seen: `GET ${url} answered 503` })))
  status = 204
  await eventually(() => told.at(-1)?.healthy === true, 'it is well again')
  await watch.close()
  const before = asked
  await new Promise(resolve => server.close(resolve))
  t.equal(asked, before)
})
