import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createRedactor } from '../../../services/operations/redact.ts'
import { maskLogFile } from '../../../services/runtime/log-masking.ts'

const secret = 's\u00e9cret-\u20ac-1'
const redactor = createRedactor({ env: { MY_SECRET: secret } })

t.test('secrets are written over byte by byte, also across the borders of what is read at once; all else stays', async t => {
  const path = join(t.testdir({}), 'log')
  const parts = [Buffer.from([0xFF, 0xC3]), Buffer.from(`a ${secret} Bearer abc.def.ghi\n`), Buffer.alloc(262_144 - 50, 'x'), Buffer.from(` ${secret}${secret} \u{1F511}`)]
  const before = Buffer.concat(parts)
  await writeFile(path, before)
  t.equal(await maskLogFile(path, redactor), 4)
  const length = Buffer.byteLength(secret)
  const after = await readFile(path)
  const expected = Buffer.concat([parts[0]!, Buffer.from(`a ${'*'.repeat(length)} Bearer ${'*'.repeat(11)}\n`), parts[2]!, Buffer.from(` ${'*'.repeat(2 * length)} \u{1F511}`)])
  t.ok(after.equals(expected))
  t.equal(await maskLogFile(path, redactor), 0, 'a second time there is nothing left')
})

t.test('a log that is not there has no secrets', async t => {
  t.equal(await maskLogFile(join(t.testdir({}), 'none'), redactor), 0)
})

t.test('what was cut away at the head is not looked at', async t => {
  const path = join(t.testdir({}), 'log')
  await writeFile(path, `${secret}\n`.repeat(1000))
  execFileSync('truncate', ['-s', '+8M', path])
  await writeFile(path, `end ${secret}\n`, { flag: 'a' })
  await writeFile(`${path}.from`, String(8 * 1024 * 1024))
  await maskLogFile(path, redactor)
  const text = await readFile(path, 'utf8')
  t.ok(text.startsWith(secret))
  t.ok(text.endsWith(`end ${'*'.repeat(Buffer.byteLength(secret))}\n`))
})
