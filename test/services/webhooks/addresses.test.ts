/** Which addresses are public, range by range. */
import fc from 'fast-check'
import t from 'tap'
import { isPublicAddress } from '../../../services/webhooks/addresses.ts'

const refused: [string, string[]][] = [
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
  ['private', ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1']],
  ['link-local, metadata services among them', ['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1']],
  ['metadata by other addresses', ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', '192.0.0.192']],
  ['shared by a provider (CGNAT)', ['100.64.0.1', '100.127.255.255']],
  ['unique-local and old site-local', ['fc00::1', 'fdff::1', 'fec0::1']],
  ['multicast and broadcast', ['224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255']],
  ['reserved, for tests and for documentation', ['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '240.0.0.1', '2001:db8::1', '3fff::1', '100::1']],
  ['IPv4 mapped into IPv6', ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '::FFFF:192.168.1.1']],
  ['IPv4 in other clothes', ['::127.0.0.1', '::7f00:1', '::ffff:0:127.0.0.1']],
  ['what NAT64 leads to', ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::10.0.0.1', '64:ff9b:1::8.8.8.8']],
  ['tunnels', ['2002:7f00:1::', '2001::1', '192.88.99.1']],
  ['not given out', ['4000::1', '1::1', '5f00::1']],
  ['no address', ['', 'localhost', 'example.com', '[::1]', '1.2.3.4/24']]
]

for (const [what, addresses] of refused) {
  t.test(`not public: ${what}`, async t => {
    for (const address of addresses) t.equal(isPublicAddress(address), false, address)
  })
}

t.test('public', async t => {
  for (const address of ['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.255.255', '172.32.0.1', '192.167.0.1', '169.253.0.1', '2606:4700:4700::1111', '2a00:1450:4001::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8']) {
    t.equal(isPublicAddress(address), true, address)
  }
})

t.test('every address of the networks within is refused, mapped and behind NAT64 too', async t => {
  const inside = fc.constantFrom('10', '127', '192.168', '169.254').chain(head =>
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }).map(rest => [...head.split('.'), ...rest].slice(0, 4).join('.')))
  t.doesNotThrow(() => fc.assert(fc.property(inside, address =>
    !isPublicAddress(address) && !isPublicAddress(`::ffff:${address}`) && !isPublicAddress(`64:ff9b::${address}`))))
})
