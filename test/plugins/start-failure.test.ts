/** Why the service can't start, in one line. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { explainStartFailure } from '../../plugins/start-failure.ts'

t.test('a port in use is told with its owner, where that can be seen', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  t.match(await explainStartFailure(Object.assign(new Error('listen'), { code: 'EADDRINUSE', port, address: '127.0.0.1' })), `port ${port} at 127.0.0.1 is in use by process ${process.pid} (`)
  t.match(await explainStartFailure(Object.assign(new Error('listen'), { code: 'EADDRINUSE', port: 1, address: '::1' })), 'port 1 at ::1 is in use. End that program, or choose another BERTH_PORT.')
})

t.test('everything is one line', async t => {
  for (const error of [new Error('a\n  b\nc'), 'text', Object.assign(new Error('x'), { code: 'EACCES', path: '/data' }), Object.assign(new Error('x'), { code: 'EACCES', port: 80 }), Object.assign(new Error('x'), { code: 'ENOSPC' }), Object.assign(new Error('x'), { code: 'ENOTFOUND', address: 'x' })]) {
    const line = await explainStartFailure(error)
    t.ok(line.length > 0 && !line.includes('\n'), line)
  }
  t.equal(await explainStartFailure(new Error('a\n  b\nc')), 'a b c')
})
