/** Small settings are found among the ignored; generated folders are not searched. */
import { join } from 'node:path'
import { symlinkSync } from 'node:fs'
import t from 'tap'
import { chooseIgnored, matchesAny } from '../../../services/git/ignored.ts'
import { parseStatus } from '../../../services/git/status.ts'
import { writeFiles } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const ignored = (...paths: string[]) => parseStatus(paths.map(path => `! ${path}`).join('\0')).entries

t.test('a glob without a slash looks at the name, one with a slash at the path', t => {
  t.equal(matchesAny('a/b/.env.local', ['.env*']), true)
  t.equal(matchesAny('a/.environment/x', ['.env*']), false)
  t.equal(matchesAny('config/local.json', ['config/*.json']), true)
  t.equal(matchesAny('x/config/local.json', ['config/*.json']), false)
  t.equal(matchesAny('x/config/local.json', ['**/config/*.json']), true)
  t.equal(matchesAny('local.json', ['./local.json']), true)
  t.equal(matchesAny('a', []), false)
  t.end()
})

t.test('ignored folders are searched, links kept as links, generated folders left alone', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { '.env': '1', 'private/a/.env': '2', 'node_modules/x/.env': '3', 'private/node_modules/.env': '4', 'private/other': '5' })
  symlinkSync('/', join(root, 'private', '.env.root'))
  const found = await chooseIgnored(root, ignored('.env', 'private/', 'node_modules/', 'gone/.env'), ['.env*'])
  t.same(found, { chosen: ['.env', 'private/.env.root', 'private/a/.env'], repositories: [], warnings: [] })
})

t.test('what is too large is said', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, { '.env.big': Buffer.alloc(1024 * 1024 + 1), '.env.fits': Buffer.alloc(1024 * 1024) })
  t.match(await chooseIgnored(root, ignored('.env.big', '.env.fits'), ['.env*']), { chosen: ['.env.fits'], warnings: [/\.env\.big is too large to be kept \(1048577 bytes\)/] })
})

t.test('a search that would not end stops and says so', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(root, Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`many/${n}`, ''])))
  await writeFiles(root, { '.env': '1' })
  t.match(await chooseIgnored(root, ignored('.cache2/', 'many/', '.env'), ['.env*'], 10), { chosen: ['.env'], warnings: [/could not be searched/, /Not all ignored folders were searched/] })
})
