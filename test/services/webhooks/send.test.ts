/** One attempt against real servers: what names lead to, and what answers do. */
import t from 'tap'
import { send, type SendRules } from '../../../services/webhooks/send.ts'
import { startReceiver } from '../../fixtures/receiver.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'

const rules: SendRules = { allowPrivate: false, timeoutMs: 5_000, userAgent: 'Berth/0.0.0' }
const signal = new AbortController().signal
const at = (address: string) => [{ address, family: address.includes(':') ? 6 : 4 }]

t.test('a name that leads to a private address gets nothing, whatever else it leads to', async t => {
  const receiver = await startReceiver(t)
  const url = receiver.url.replace('http://127.0.0.1', 'https://hooks.example.com')
  for (const addresses of [at('127.0.0.1'), [...at('192.0.2.7'), ...at('127.0.0.1')], at('::ffff:127.0.0.1'), at('169.254.169.254')]) {
    const sent = await send({ url, headers: {}, body: '{}' }, { ...rules, resolve: async () => addresses }, signal)
    t.match(sent, { httpStatus: null, error: /which is not a public address/ })
  }
  t.same(receiver.received, [])
})

t.test('the connection is made to the address that was looked at: the name is asked once', async t => {
  const receiver = await startReceiver(t)
  let asked = 0
  // A name that nobody else knows, and that would lead elsewhere the second time.
  const resolve = async () => at(asked++ === 0 ? '127.0.0.1' : '192.0.2.1')
  const sent = await send({ url: receiver.url.replace('127.0.0.1', 'rebinding.example.invalid'), headers: { 'webhook-id': 'one' }, body: '{"a":"ü"}' }, { ...rules, allowPrivate: true, resolve }, signal)
  t.same(sent, { httpStatus: 204, error: null, response: '' })
  t.equal(asked, 1)
  t.match(receiver.received, [{ body: '{"a":"ü"}', headers: { 'webhook-id': 'one', connection: 'close' } }])
})

t.test('an address in the URL is looked at again when it is sent', async t => {
  for (const url of ['https://127.0.0.1:1/', 'https://[::1]:1/', 'http://192.0.2.1/']) {
    t.match(await send({ url, headers: {}, body: '{}' }, rules, signal), { httpStatus: null, error: /not a public address|must begin with https/, response: null }, url)
  }
})

t.test('an answer counts by its status, however it ends', async t => {
  const allowed = { ...rules, allowPrivate: true, timeoutMs: 500 }
  const never = await startReceiver(t, response => response.writeHead(200).write('a'))
  t.match(await send({ url: never.url, headers: {}, body: '{}' }, allowed, signal), { httpStatus: 200, error: null })
  const endless = await startReceiver(t, response => {
    response.writeHead(500)
    const write = () => { while (response.write('b'.repeat(65_536)) && !response.destroyed); }
    response.on('drain', write)
    write()
  })
  t.match(await send({ url: endless.url, headers: {}, body: '{}' }, { ...allowed, timeoutMs: 30_000 }, signal), { httpStatus: 500, response: /^b{1000}$/ })
  const odd = await startReceiver(t, response => response.writeHead(200).end(Buffer.from([97, 0, 255, 98])))
  t.match(await send({ url: odd.url, headers: {}, body: '{}' }, allowed, signal), { response: 'a\uFFFD\uFFFDb' }, 'text the database takes')
  const broken = await startReceiver(t, response => { response.destroy() })
  t.match(await send({ url: broken.url, headers: {}, body: '{}' }, allowed, signal), { httpStatus: null, error: /^The connection failed: ECONNRESET/ })
})

t.test('an answer that wants another protocol is an answer, and holds nothing up', async t => {
  const switching = await startReceiver(t, response => { response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n') })
  const sent = await send({ url: switching.url, headers: {}, body: '{}' }, { ...rules, allowPrivate: true, timeoutMs: 30_000 }, signal)
  t.match(sent, { httpStatus: 101, error: 'The receiver answered 101.' })
})

t.test('the end of the service ends an attempt, and is no outcome of it', async t => {
  const ending = new AbortController()
  const hangs = await startReceiver(t, () => ending.abort(new Error('the service ends')))
  t.match(await rejectionOf(send({ url: hangs.url, headers: {}, body: '{}' }, { ...rules, allowPrivate: true }, ending.signal)), { message: 'the service ends' })
})
