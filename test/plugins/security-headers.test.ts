/** What a browser is told, what the log is not told, and how long a slow client is waited for. */
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { buildTestApp } from '../fixtures/app.ts'

t.test('answers to browsers and to slow clients', async t => {
  const lines: object[] = []
  const { app, call } = await buildTestApp(t, { config: { requestTimeoutSec: 1 }, onLog: line => lines.push(line) })

  t.test('an answer may only be shown: not framed, not guessed at, not run', async t => {
    for (const url of ['/api/companies', '/api/nothing', '/healthz', '/openapi.json']) {
      t.match((await call('GET', url)).headers, {
        'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'strict-transport-security': undefined
      }, url)
    }
  })

  t.test('the docs have a policy that lets them work, of the same origin alone', async t => {
    const { headers } = await call('GET', '/docs/')
    t.match(headers['content-security-policy'], /^default-src 'self'; .*frame-ancestors 'none'/)
    t.equal(headers['x-content-type-options'], 'nosniff')
  })

  t.test('neither bodies nor credentials nor queries are logged', async t => {
    const secrets = ['canary-token', 'canary-body', 'canary-query', 'canary-cookie', 'canary-key']
    for (const [method, url] of [['POST', '/api/companies'], ['POST', '/api/companies?a=canary-query'], ['POST', '/api/nothing?a=canary-query'], ['PUT', '/api/companies/%zz?a=canary-query']] as const) {
      await call(method, url, { name: 'canary-body', canary: 'canary-body' }, { headers: { authorization: 'Bearer canary-token', cookie: 'a=canary-cookie', 'idempotency-key': 'canary-key' } })
    }
    for (const body of ['{"name": "canary-body"', '{"name": canary-body}', 'canary-body']) await call('POST', '/api/companies', body)
    t.ok(lines.some(line => 'url' in line && line.url === '/api/companies'), 'requests are logged')
    t.same(secrets.filter(secret => JSON.stringify(lines).includes(secret)), [])
  })

  await t.test('who sends a byte now and then, or nothing, is cut off with a 408', async t => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const answers = await Promise.all([
      slowly(port, ''),
      slowly(port, 'GET /healthz HTTP/1.1\r\n', 'X: a\r\n'),
      slowly(port, 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n', ' '),
      slowly(port, 'POST /api/companies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n', '1\r\n \r\n')
    ])
    for (const answer of answers) t.match(answer, /^HTTP\/1\.1 408 [^]*application\/problem\+json/)
  })
})

/** Sends `head` at once and `drop` for as long as the connection lives; gives what comes back. */
async function slowly (port: number, head: string, drop = ''): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => { /* Cut off while it was sending. */ })
  socket.write(head)
  const dropping = setInterval(() => { if (socket.writable && drop !== '') socket.write(drop) }, 50)
  await once(socket, 'close')
  clearInterval(dropping)
  return Buffer.concat(chunks).toString()
}
