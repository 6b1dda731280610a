import { userInfo } from 'node:os'
import t from 'tap'
import { maskedLogLine, redactorOf } from '../../plugins/masking.ts'

const name = userInfo().username

t.test('secrets of the environment, configured patterns and, if wished, the user\'s name are masked', async t => {
  process.env['MASKING_TEST_TOKEN'] = 'masking-test-1'
  t.teardown(() => { delete process.env['MASKING_TEST_TOKEN'] })
  const text = `masking-test-1 pin-12 /home/${name}/x`
  t.equal(redactorOf({ redactPatterns: [/pin-\d+/gu], redactUsername: false }).mask(text), `*** *** /home/${name}/x`)
  t.equal(redactorOf({ redactPatterns: [], redactUsername: true }).mask(text), '*** pin-12 /home/***/x')
})

t.test('a line of the log stays JSON, whatever is masked in it', async t => {
  const masked = maskedLogLine(redactorOf({ redactPatterns: [], redactUsername: false }))
  const line = masked('{"url":"http://localhost:80","by":"a@b","err":{"stack":"at x\\nBearer abc.def.ghi"},"list":["https://me:pa55@host",1,null]}\n')
  t.ok(line.endsWith('\n'))
  t.same(JSON.parse(line), { url: 'http://localhost:80', by: 'a@b', err: { stack: 'at x\nBearer ***' }, list: ['https://me:***@host', 1, null] })
})
