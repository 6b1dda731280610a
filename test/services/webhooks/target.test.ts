/** Where webhooks may go: by the look of the URL, and by what its name resolves to. */
import t from 'tap'
import { checkTarget, guardedLookup, TargetRefused } from '../../../services/webhooks/target.ts'

const refused = [
  'nonsense', '/path', 'http://hooks.example.com/', 'ftp://hooks.example.com/', 'file:///etc/passwd', 'https://user@hooks.example.com/',
  'https://:secret@hooks.example.com/', 'https://hooks.example.com/#part', 'https://localhost/', 'https://LOCALHOST:8443/', 'https://localhost./',
  'https://some.localhost/', 'https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://017700000001/', 'https://127.1/',
  'https://[::1]/', 'https://[::ffff:127.0.0.1]/', 'https://[fe80::1]/', 'https://169.254.169.254/latest/meta-data', 'https://0/', 'https://１２７.0.0.1/'
]

t.test('URLs nothing is sent to', async t => {
  for (const url of refused) t.throws(() => checkTarget(url, { allowPrivate: false }), TargetRefused, url)
})

t.test('URLs that are fine', async t => {
  for (const url of ['https://hooks.example.com/berth?token=a', 'https://8.8.8.8:8443/', 'https://[2606:4700::1111]/']) {
    t.equal(checkTarget(url, { allowPrivate: false }).href, url)
  }
  t.equal(checkTarget('http://127.0.0.1:3000/', { allowPrivate: true }).href, 'http://127.0.0.1:3000/', 'private ones when they are allowed')
  t.throws(() => checkTarget('ftp://127.0.0.1/', { allowPrivate: true }), TargetRefused, 'but http and https only')
  t.throws(() => checkTarget('http://a:b@127.0.0.1/', { allowPrivate: true }), TargetRefused, 'and no password')
})

type Found = { error: Error | null, address: unknown }

async function look (addresses: string[], { allowPrivate = false, all = true } = {}): Promise<Found> {
  const resolveTo = async () => addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup = guardedLookup({ allowPrivate, resolve: resolveTo })
  return await new Promise(resolve => lookup('hooks.example.com', { all }, (error, address) => resolve({ error, address })))
}

t.test('a name leads to addresses that were looked at', async t => {
  t.same(await look(['8.8.8.8', '2606:4700::1111']), { error: null, address: [{ address: '8.8.8.8', family: 4 }, { address: '2606:4700::1111', family: 6 }] })
  t.same(await look(['8.8.8.8'], { all: false }), { error: null, address: '8.8.8.8' })
  for (const addresses of [['127.0.0.1'], ['8.8.8.8', '10.0.0.1'], ['2606:4700::1111', '::ffff:169.254.169.254'], []]) {
    t.ok((await look(addresses)).error instanceof TargetRefused, addresses.join(' '))
  }
  t.same(await look(['127.0.0.1'], { allowPrivate: true, all: false }), { error: null, address: '127.0.0.1' }, 'unless private ones are allowed')
})

t.test('a name nobody knows is an error of the connection', async t => {
  const lookup = guardedLookup({ allowPrivate: false, resolve: async () => { throw new Error('ENOTFOUND') } })
  const error = await new Promise<Error | null>(resolve => lookup('hooks.example.com', {}, resolve))
  t.match(error, { message: 'ENOTFOUND' })
})
