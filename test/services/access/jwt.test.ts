/** Tokens: which hold, which do not and what their senders are told, whatever was done to them. */
import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import t, { type Test } from 'tap'
import { createTokenVerifier, type JwtKey, type JwtSettings } from '../../../services/access/jwt.ts'
import { jwtSettings } from '../../../plugins/auth-settings.ts'
import { loadConfig } from '../../../plugins/config.ts'

const companyId = '11111111-1111-4111-8111-111111111111'
const agentId = '55555555-5555-4555-8555-555555555555'
const runId = '99999999-9999-4999-8999-999999999999'
const secretText = 'a secret of at least thirty-two bytes'
const secret = createSecretKey(Buffer.from(secretText))
const now = () => Math.floor(Date.now() / 1000)
const board = { actor: 'board', instanceAdmin: false, memberships: [{ companyId, role: 'owner', status: 'active' }] }

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

function settings (key: Partial<Record<'BERTH_JWT_SECRET' | 'BERTH_JWT_PUBLIC_KEY' | 'BERTH_JWKS_URL', string>>, others: Partial<JwtSettings> = {}): JwtSettings {
  const made = loadConfig(key).jwt
  if (made === null) throw new Error('there is no key')
  return { ...made, ...others }
}

async function token ({ claims = { berth: board }, alg = 'HS256', key = secret, kid, subject = 'ada', exp = now() + 60 }:
{ claims?: JWTPayload, alg?: string, key?: KeyObject, kid?: string, subject?: string | null, exp?: number | null } = {}): Promise<string> {
  const draft = new SignJWT({ ...claims, ...(subject === null ? {} : { sub: subject }), ...(exp === null ? {} : { exp }) })
  return await draft.setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key)
}

const refusal = (why: string | RegExp) => ({ statusCode: 401, code: 'unauthenticated', headers: { 'www-authenticate': /^Bearer realm="berth", error="invalid_token", error_description="[^"]*"$/ }, detail: why })

t.test('a token says who its holder is', async t => {
  const verify = createTokenVerifier(settings({ BERTH_JWT_SECRET: secretText }))
  const exp = now() + 60
  t.same(await verify(await token({ exp })), { type: 'board', userId: 'ada', instanceAdmin: false, memberships: board.memberships, validUntil: new Date((exp + 5) * 1000) })
  t.match(await verify(await token({ claims: { berth: { actor: 'board', instanceAdmin: true, memberships: null, companyId: null, runId: null } } })), { instanceAdmin: true, memberships: [] })
  t.match(await verify(await token({ subject: agentId.toUpperCase(), claims: { berth: { actor: 'agent', companyId, runId, instanceAdmin: true } } })),
    { type: 'agent', agentId, companyId, runId, instanceAdmin: undefined }, 'an agent is never an instance admin')
  t.match(await verify(await token({ subject: agentId, claims: { berth: { actor: 'agent', companyId } } })), { type: 'agent', runId: null })
  const elsewhere = createTokenVerifier(settings({ BERTH_JWT_SECRET: secretText }, { claim: 'https://berth.example.org/claims' }))
  t.match(await elsewhere(await token({ claims: { 'https://berth.example.org/claims': board } })), { userId: 'ada' })
  await t.rejects(elsewhere(await token()), refusal(/claim https:/))
})

t.test('one that does not hold is refused with the reason', async t => {
  const verify = createTokenVerifier(settings({ BERTH_JWT_SECRET: secretText }, { issuer: 'https://issuer.example.org', audience: 'berth' }))
  const claims = { berth: board, iss: 'https://issuer.example.org', aud: ['other', 'berth'] }
  t.match(await verify(await token({ claims })), { userId: 'ada' })
  t.match(await verify(await token({ claims, exp: now() - 2 })), { userId: 'ada' }, 'clocks may differ a little')
  const cases: [string, Promise<string> | string, RegExp][] = [
    ['expired', token({ claims, exp: now() - 8 }), /has expired/],
    ['without an end', token({ claims, exp: null }), /does not say when it expires/],
    ['not valid yet', token({ claims: { ...claims, nbf: now() + 30 } }), /not valid yet/],
    ['of another issuer', token({ claims: { ...claims, iss: 'https://other.example.org' } }), /another issuer/],
    ['for another audience', token({ claims: { ...claims, aud: 'other' } }), /another audience/],
    ['for no audience', token({ claims: { berth: board, iss: claims.iss } }), /another audience/],
    ['of another key', token({ claims, key: createSecretKey(Buffer.from('another secret of thirty-two bytes')) }), /signature/],
    ['cut short', token({ claims }).then(text => text.slice(0, -3)), /signature/],
    ['without its signature', token({ claims }).then(text => text.replace(/[^.]*$/, '')), /signature|read/],
    ['changed', token({ claims }).then(text => text.replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify({ ...claims, sub: 'eve', exp: now() + 60 })).toString('base64url')}.`)), /signature/],
    ['of another algorithm', token({ claims, alg: 'HS512', key: createSecretKey(Buffer.alloc(64, 1)) }), /not accepted/],
    ['unsigned', new UnsecuredJWT({ ...claims, sub: 'ada', exp: now() + 60 }).encode(), /./],
    ['with "none" in its header', token({ claims }).then(text => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${text.split('.')[1]}.`), /not accepted|read/],
    ['no token', 'abc', /can not be read/], ['no token in three parts', 'a.b.c', /can not be read/], ['empty', '', /can not be read/]
  ]
  for (const [name, given, why] of cases) await t.rejects(Promise.resolve(given).then(verify), refusal(why), name)
})

t.test('claims that are not what they must be name nobody', async t => {
  const verify = createTokenVerifier(settings({ BERTH_JWT_SECRET: secretText }))
  const wrong: [unknown, string | null][] = [
    [undefined, 'ada'], [null, 'ada'], ['board', 'ada'], [[], 'ada'], [{}, 'ada'], [{ actor: 'system' }, 'ada'], [{ actor: 'none' }, 'ada'],
    [{ actor: 'board', instanceAdmin: 'true' }, 'ada'], [{ actor: 'board', instanceAdmin: 1 }, 'ada'],
    [{ ...board, memberships: {} }, 'ada'], [{ ...board, memberships: [{ companyId, role: 'god', status: 'active' }] }, 'ada'],
    [{ ...board, memberships: [{ companyId: 'x', role: 'owner', status: 'active' }] }, 'ada'], [{ ...board, memberships: [{ companyId, role: 'owner' }] }, 'ada'],
    [{ actor: 'agent' }, agentId], [{ actor: 'agent', companyId: 'x' }, agentId], [{ actor: 'agent', companyId, runId: 'x' }, agentId],
    [{ actor: 'agent', companyId }, 'ada'], [{ actor: 'agent', companyId }, null],
    [board, null], [board, ''], [board, 'a\u0000b'], [board, 'a\nb'], [board, '\ud800'], [board, 'x'.repeat(201)]
  ]
  for (const [berth, subject] of wrong) await t.rejects(token({ claims: { berth } as JWTPayload, subject }).then(verify), refusal(/\.$/), JSON.stringify([berth, subject]))
  await t.rejects(token({ claims: { berth: { ...board, memberships: [{ companyId, role: 'god"\u00e9', status: 'active' }] } } }).then(verify), refusal('The claim berth of the token does not say who its holder is: memberships is wrong.'))
  await t.rejects(new SignJWT({ berth: board, sub: 7 as unknown as string, exp: now() + 60 }).setProtectedHeader({ alg: 'HS256' }).sign(secret).then(verify), refusal(/./), 'a number as subject')
})

t.test('a public key is used with its own algorithms alone', async t => {
  for (const [pair, alg] of [[rsa, 'RS256'], [rsa, 'PS256'], [ec, 'ES256'], [ed, 'EdDSA']] as const) {
    const verify = createTokenVerifier(settings({ BERTH_JWT_PUBLIC_KEY: pem(pair.publicKey).replaceAll('\n', '\\n') }))
    t.match(await verify(await token({ alg, key: pair.privateKey })), { userId: 'ada' }, alg)
    await t.rejects(token({ alg: 'RS256', key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }).then(verify), refusal(/./))
    // The public key taken for the secret of a MAC, in each of its spellings.
    const [header, payload] = (await token()).split('.')
    for (const text of [pem(pair.publicKey), pem(pair.publicKey).trim(), pair.publicKey.export({ type: 'spki', format: 'der' })]) {
      const signature = createHmac('sha256', text).update(`${header}.${payload}`).digest('base64url')
      await t.rejects(verify(`${header}.${payload}.${signature}`), refusal(/not accepted/), `HS256 with the public key of ${alg}`)
    }
  }
})

t.test('keys that can not be trusted stop the start', async t => {
  const refused = (env: Record<string, string>, words: RegExp) => t.throws(() => loadConfig(env), { name: 'ConfigError', message: words })
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  for (const text of ['nonsense', pem(weak), pem(generateKeyPairSync('x25519').publicKey), pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey), rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]) {
    refused({ BERTH_JWT_PUBLIC_KEY: text }, /^BERTH_JWT_PUBLIC_KEY must be a public key as PEM[^\n]*Ed25519\. See npm start -- --help\.$/)
  }
  refused({ BERTH_JWT_SECRET: 'x'.repeat(31) }, /^BERTH_JWT_SECRET must be at least 32 bytes long\. See/)
  refused({ BERTH_JWT_SECRET: secretText, BERTH_JWKS_URL: 'https://issuer.example.org/keys' }, /^BERTH_JWKS_URL and BERTH_JWT_SECRET are both set/)
  refused({ BERTH_JWKS_URL: 'ftp://issuer.example.org' }, /^BERTH_JWKS_URL must be an http or https URL, not "ftp:/)
  t.equal(jwtSettings({ BERTH_JWT_CLAIM: 'berth', BERTH_JWT_CLOCK_SKEW_SEC: 5 } as Parameters<typeof jwtSettings>[0]), null)
})

/** An issuer's key set that a test can change, break and count the fetches of. */
async function issuer (t: Test) {
  const state = { keys: [] as object[], broken: false, fetches: 0 }
  const server = createServer((_request, response) => {
    state.fetches++
    if (state.broken) response.writeHead(500).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: state.keys }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close() })
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys` })
}

const publicJwk = async (key: KeyObject, kid: string) => ({ ...await exportJWK(key), kid })

t.test('with a key set', async t => {
  const set = await issuer(t)
  let clock = Date.now()
  const stale: unknown[] = []
  const key: JwtKey = { kind: 'jwks', url: set.url }
  const made = () => createTokenVerifier({ ...settings({ BERTH_JWKS_URL: set.url }), key }, { now: () => clock, onStale: error => stale.push(error) })
  const verify = made()
  const signed = (kid: string, pair = ec, alg = 'ES256') => token({ alg, key: pair.privateKey, kid })

  await t.test('that can not be fetched nobody can tell: 503', async t => {
    set.broken = true
    await t.rejects(signed('one').then(verify), { statusCode: 503, code: 'unavailable', headers: { 'retry-after': '5' } })
    set.broken = false
    set.keys = [await publicJwk(ec.publicKey, 'one')]
    t.match(await verify(await signed('one')), { userId: 'ada' }, 'and it is asked again with the next token')
  })

  await t.test('it is fetched once, and again for a key that is new', async t => {
    const before = set.fetches
    await Promise.all(Array.from({ length: 20 }, async () => await verify(await signed('one'))))
    t.equal(set.fetches, before)
    const fresh = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    set.keys = [await publicJwk(fresh.publicKey, 'two')]
    t.match(await verify(await signed('two', fresh)), { userId: 'ada' }, 'right away')
    await t.rejects(signed('one').then(verify), refusal(/known key/), 'and the one that was withdrawn is none any more')
  })

  await t.test('names that tokens make up do not have it fetched without end', async t => {
    const before = set.fetches
    for (let n = 0; n < 30; n++) await t.rejects(signed(`made up ${n}`).then(verify), refusal(/known key/))
    t.ok(set.fetches - before <= 3, `${set.fetches - before} fetches`)
    clock += 10_000
    await t.rejects(signed('made up').then(verify), refusal(/known key/))
    t.ok(set.fetches - before >= 1, 'but now and then')
  })

  await t.test('an issuer that is away is done without for an hour', async t => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    set.keys = [await publicJwk(pair.publicKey, 'three')]
    const other = made()
    t.match(await other(await signed('three', pair, 'RS256')), { userId: 'ada' })
    set.broken = true
    clock += 601_000
    t.match(await other(await signed('three', pair, 'RS256')), { userId: 'ada' })
    clock += 3_000_000
    await t.rejects(signed('three', pair, 'RS256').then(other), { statusCode: 503, code: 'unavailable' })
    t.ok(stale.length >= 1, 'it is said')
    set.broken = false
    t.match(await other(await signed('three', pair, 'RS256')), { userId: 'ada' })
  })

  await t.test('neither a secret in it nor one of its keys taken for a secret is used', async t => {
    set.keys = [{ kty: 'oct', k: Buffer.from(secretText).toString('base64url'), kid: 'oct', alg: 'HS256' }, await publicJwk(ec.publicKey, 'ec')]
    await t.rejects(token({ kid: 'oct' }).then(made()), refusal(/not accepted/))
    await t.rejects(token({ kid: 'ec', key: createSecretKey(Buffer.from(pem(ec.publicKey))) }).then(made()), refusal(/not accepted/))
    set.keys = [await publicJwk(ec.publicKey, 'a'), await publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'b')]
    await t.rejects(token({ alg: 'ES256', key: ec.privateKey }).then(made()), refusal(/does not name its key/))
  })
})
