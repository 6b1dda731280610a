/** The README's commands: they exist, and its tour works as pasted. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url)

t.test('every npm script the documents name exists', async t => {
  const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as { scripts: Record<string, string> }
  for (const file of ['README.md', 'CONTRIBUTING.md']) {
    const text = await readFile(new URL(file, root), 'utf8')
    const named = new Set([...text.matchAll(/npm run ([\w:-]+)/g)].map(match => match[1] ?? ''))
    t.ok(named.size > 0, `${file} names scripts`)
    for (const name of named) t.ok(Object.hasOwn(scripts, name), `${file}: npm run ${name}`)
  }
})

t.test('every folder and file of the README\'s table of places exists', async t => {
  const text = await readFile(new URL('README.md', root), 'utf8')
  const places = (text.split('## Where do I put')[1] ?? '').split('\n## ')[0] ?? ''
  const named = [...places.matchAll(/`([a-z][\w./-]*\/[\w./-]*|[\w-]+\.js)`/g)].map(match => match[1] ?? '')
  t.ok(named.length > 8, 'the table names places')
  for (const place of named) t.ok(existsSync(new URL(place, root)), place)
})

t.test('the tour works as pasted', async t => {
  const folder = await temporaryFolder(t, 'berth-tour-')
  const service = await startService(t, `${folder}/data`)
  const text = await readFile(new URL('README.md', root), 'utf8')
  const blocks = [...text.matchAll(/```sh tour\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
  t.equal(blocks.length, 4, 'the tour has four steps')
  const script = ['set -euo pipefail', ...blocks].join('\n')
    .replaceAll('http://127.0.0.1:4180', service.url)
    .replaceAll('/tmp/berth-tour', `${folder}/tour`)
  const { stdout } = await run('bash', ['-c', script], { timeout: 60_000 })
  t.match(stdout, /^hello$/m, 'the dev server answers')
  t.match(stdout, /fine/, 'the log of the job is read')
  t.match(stdout, /ready_with_warnings/, 'readiness warns of the untracked file')
  t.match(stdout, /archived\nactive\nan idea\narchived\n$/, 'what was left comes back')
})
