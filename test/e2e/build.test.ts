/** What the image runs: the sources compiled to JavaScript, without the development dependencies' help. */
import { execFile } from 'node:child_process'
import { copyFile, readFile, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { shortLived, startServiceProcess, untilReady } from '../../cli/service-process.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const run = promisify(execFile)

t.test('the build starts on the embedded database and answers', async t => {
  const folder = await temporaryFolder(t, 'berth-build-')
  const dist = join(folder, 'dist')
  await run(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', dist], { cwd: checkout })
  await symlink(join(checkout, 'node_modules'), join(dist, 'node_modules'))
  await copyFile(join(checkout, 'package.json'), join(dist, 'package.json'))
  const service = await startServiceProcess({ DATABASE_URL: '', BERTH_DATA_DIR: join(folder, 'data') }, join(dist, 'server.js'), shortLived)
  t.teardown(() => service.stop())
  await untilReady(service.url)
  const document = await (await fetch(`${service.url}/openapi.json`)).json()
  t.same(document, JSON.parse(await readFile(join(checkout, 'openapi/openapi.json'), 'utf8')), 'with the document of the sources')
})

t.test('every folder the sources import from is in the image', async t => {
  const { include } = JSON.parse(await readFile(join(checkout, 'tsconfig.build.json'), 'utf8')) as { include: string[] }
  for (const room of ['plugins', 'routes', 'services', 'db', 'openapi']) t.ok(include.includes(room), room)
  const ignored = (await readFile(join(checkout, '.dockerignore'), 'utf8')).split('\n')
  for (const name of include) t.notOk(ignored.includes(name), `${name} is not left out of the build context`)
  t.ok((await readdir(checkout)).includes('Dockerfile'))
})
