import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { answerClientError } from '../../plugins/client-error.ts'

/** Sends bytes to a server that answers parse errors with the function under test; gives all that comes back. */
async function send (t: Test, bytes: string): Promise<string> {
  const server = createServer((_request, response) => response.end('fine'))
  server.on('clientError', (error, socket) => answerClientError(error, socket as Socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close() })
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.end(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

t.test('what is no HTTP is answered with a problem document', async t => {
  const answer = await send(t, 'hello there\r\n\r\n')
  t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(answer, /content-type: application\/problem\+json/i)
  const [, body = ''] = answer.split('\r\n\r\n')
  t.match(JSON.parse(body), { status: 400, code: 'bad_request', detail: 'This is not an HTTP request.' })
})

t.test('headers that are too large are a 431', async t => {
  const answer = await send(t, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`)
  t.match(answer, /^HTTP\/1\.1 431 /)
  t.match(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''), { status: 431, detail: 'The headers are too large.' })
})
