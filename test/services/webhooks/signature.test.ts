/** Signatures as the reference library checks them. */
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { createSecret, signatureHeaders } from '../../../services/webhooks/signature.ts'

const body = '{"type":"webhook.ping","text":"ünïcödé ✓"}'
const message = (timestamp = new Date()) => ({ id: 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee', timestamp, body })

t.test('the reference library accepts what is signed, by each of the secrets', async t => {
  const [fresh, old] = [createSecret(), createSecret()]
  t.match(fresh, /^whsec_[A-Za-z0-9+/]{43}=$/)
  t.not(fresh, old)
  const headers = signatureHeaders(message(), [fresh, old])
  t.same(new Webhook(fresh).verify(body, headers), JSON.parse(body))
  t.same(new Webhook(old).verify(body, headers), JSON.parse(body))
  t.throws(() => new Webhook(createSecret()).verify(body, headers), 'not by another')
  t.throws(() => new Webhook(fresh).verify(body.replace('ping', 'pong'), headers), 'nor when a byte differs')
  t.throws(() => new Webhook(fresh).verify(body, { ...headers, 'webhook-id': 'another' }), 'nor for another id')
  t.throws(() => new Webhook(fresh).verify(body, signatureHeaders(message(new Date(Date.now() - 3_600_000)), [fresh])), 'nor when it is old')
})

t.test('it is what the specification computes', async t => {
  // The example of https://github.com/standard-webhooks/standard-webhooks (libraries' own tests)
  const headers = signatureHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: new Date(1614265330_000), body: '{"test": 2432232314}' }, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])
  t.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
