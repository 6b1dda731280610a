/** The page on threats names files that are there. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkout } from '../fixtures/state-dir.ts'

t.test('every rule says where it is enforced and what tests it, and all that is there', async t => {
  const page = await readFile(join(checkout, 'docs/threat-model.md'), 'utf8')
  const files = [...new Set([...page.matchAll(/`([a-z][\w./-]*\.ts)`/g)].map(([, file]) => file ?? ''))]
  t.ok(files.length > 40, `${files.length} files`)
  t.same(files.filter(file => !existsSync(join(checkout, file))), [])
  const rules = page.split('\n').filter(line => line.startsWith('| ') && line.includes('.ts`'))
  t.same(rules.filter(line => !/\| `[^|]*\.ts`[^|]* \| `test\/[^|]*\|$/.test(line)), [])
})
