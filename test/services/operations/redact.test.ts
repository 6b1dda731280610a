import t from 'tap'
import { createRedactor, type Redactor } from '../../../services/operations/redact.ts'

/** What a reader of the stream sees when the text comes in these pieces. */
function streamed (redactor: Redactor, pieces: readonly string[]): string {
  let held = ''
  let shown = ''
  for (const piece of pieces) {
    const all = held + piece
    const safe = redactor.safeLength(all)
    shown += redactor.mask(all.slice(0, safe))
    held = all.slice(safe)
  }
  return shown + redactor.mask(held)
}

function halves (text: string): string[][] {
  return Array.from({ length: text.length - 1 }, (_, index) => [text.slice(0, index + 1), text.slice(index + 1)])
}

const redactor = createRedactor({ env: { API_TOKEN: 'tok-abcdefgh', DB_PASSWORD: 'hunter22', SHORT_TOKEN: 'hunter' } })

t.test('values of secret variables are masked wherever they stand', async t => {
  t.equal(redactor.mask('a=tok-abcdefgh;b=hunter22\nhunter22'), 'a=***;b=***\n***')
  t.equal(redactor.mask('nothing here'), 'nothing here')
})

t.test('a value that begins with another one is masked as a whole', async t => {
  t.equal(redactor.mask('hunter22 hunter'), '*** ***')
})

t.test('bearer tokens and authorization headers are masked, prose about them is not', async t => {
  t.equal(redactor.mask('Authorization: Bearer abc.def.ghi'), 'Authorization: Bearer ***')
  t.equal(redactor.mask('curl -H "authorization: bearer a1b2"'), 'curl -H "authorization: bearer ***"')
  t.equal(redactor.mask('Authorization: Basic dXNlcjpwYXNz'), 'Authorization: Basic ***')
  t.equal(redactor.mask('authorization: token ghp_12345'), 'authorization: token ***')
  t.equal(redactor.mask('the bearer of news'), 'the bearer of news')
  t.equal(redactor.mask('basic training'), 'basic training')
})

t.test('passwords and tokens in URLs are masked, the rest of the URL is not', async t => {
  t.equal(redactor.mask('git clone https://me:pa55@host/x.git'), 'git clone https://me:***@host/x.git')
  t.equal(redactor.mask('postgres://:pw@db:5432/x'), 'postgres://:***@db:5432/x')
  t.equal(redactor.mask('https://ghp_0123456789abcdefghij@github.com/x'), 'https://***@github.com/x')
  t.equal(redactor.mask('http://localhost:3000/a@b and ssh://git@host/x'), 'http://localhost:3000/a@b and ssh://git@host/x')
})

t.test('the user\'s name is masked as a whole word only', async t => {
  const named = createRedactor({ username: 'ann.b' })
  t.equal(named.mask('/home/ann.b/x annxb hannah ann.b'), '/home/***/x annxb hannah ***')
  t.equal(createRedactor({ username: '' }).mask('a b'), 'a b', 'an empty name masks nothing')
})

t.test('secrets are masked across every border of two chunks', async t => {
  const named = createRedactor({ env: { API_TOKEN: 'tok-abcdefgh', OTHER_TOKEN: 'abcabcabc' }, username: 'ann' })
  for (const text of [
    'x tok-abcdefgh y',
    'xabcabcabcabc y',
    'Authorization: Bearer abc.def.ghi and more',
    'Authorization: Basic dXNlcjpwYXNz end',
    'clone https://me:pa55word@host/x.git now',
    'clone https://ghp_0123456789abcdefghij@github.com/x now',
    'from /home/ann/x to annabel, hannah and ann'
  ]) {
    for (const pieces of halves(text)) t.equal(streamed(named, pieces), named.mask(text), JSON.stringify(pieces))
    t.equal(streamed(named, [...text]), named.mask(text), `one character at a time: ${text}`)
  }
})

t.test('text that can not begin a secret is shown at once', async t => {
  for (const text of ['Listening on port 3000\n', 'ready', 'done 100%', 'https://localhost:3000/\n']) {
    t.equal(redactor.safeLength(text), text.length, text)
  }
  t.equal(redactor.safeLength('value: tok-'), 'value: '.length, 'the beginning of a secret waits')
})

t.test('text without white space is not held for ever', async t => {
  const endless = `http://${'x'.repeat(20_000)}`
  t.ok(redactor.safeLength(endless) > 10_000)
})

t.test('masking long text without breaks takes linear time', async t => {
  const begun = performance.now()
  for (const text of ['a'.repeat(1_000_000), 'bearer '.repeat(140_000), '://'.repeat(300_000), 'authorization:'.repeat(70_000)]) {
    redactor.mask(text)
    redactor.safeLength(text)
  }
  // Quadratic behaviour takes minutes here; the bound is far from both.
  t.ok(performance.now() - begun < 10_000)
})

t.test('a redactor with a further environment knows the secrets of both', async t => {
  const both = redactor.with({ MY_SECRET: 'own-secret', PLAIN: 'plain-value' })
  t.equal(both.mask('own-secret tok-abcdefgh plain-value'), '*** *** plain-value')
  t.equal(redactor.mask('own-secret'), 'own-secret', 'the first one stays as it was')
})

t.test('the end of a secret is found from any place inside it, and from nowhere else', async t => {
  const text = 'x tok-abcdefgh and Bearer abc.def.ghi, https://me:pa55@host'
  for (let index = 0; index <= text.length; index++) {
    const end = redactor.endAcross(text, index)
    const inside = [[2, 14], [19, 37], [44, 55]].find(([from = 0, to = 0]) => index > from && index < to)
    t.equal(end, inside?.[1] ?? index, `from ${index}`)
  }
})
