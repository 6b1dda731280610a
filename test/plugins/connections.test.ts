import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import connections from '../../plugins/connections.ts'

t.test('a connection that never asked anything does not hold the end up, a request under way is answered', async t => {
  const app = fastify({ forceCloseConnections: 'idle' })
  await app.register(connections)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<string>()
  app.get('/', async () => {
    asked.resolve()
    return await answer.promise
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const silent = connect(port, '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  const request = fetch(`http://127.0.0.1:${port}/`)
  await asked.promise
  const gone = once(silent, 'close')
  const closed = app.close()
  await gone
  answer.resolve('here it is')
  t.equal(await (await request).text(), 'here it is')
  await closed
})
