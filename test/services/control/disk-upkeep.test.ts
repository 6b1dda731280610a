/** Sizes are measured in the background, shown and summed up. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { link, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { measureFolder } from '../../../services/workspaces/disk-use.ts'
import { httpHouse } from '../../fixtures/http-workspaces.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('a folder is measured as du does it', async t => {
  const folder = await temporaryFolder(t)
  const elsewhere = await temporaryFolder(t)
  await writeFile(join(elsewhere, 'large'), randomBytes(5_000_000))
  await mkdir(join(folder, 'a', 'b'), { recursive: true })
  for (let n = 0; n < 1_200; n++) await writeFile(join(folder, 'a', 'b', String(n)), String(n))
  await writeFile(join(folder, 'file'), randomBytes(100_000))
  await link(join(folder, 'file'), join(folder, 'a', 'the same file'))
  await symlink(elsewhere, join(folder, 'link'))
  const du = Number(execFileSync('du', ['-s', '-B1', folder], { encoding: 'utf8' }).split('\t')[0])
  t.equal(await measureFolder(folder, new AbortController().signal), du, 'neither a link nor a second name counts')
  t.equal(await measureFolder(join(folder, 'gone'), new AbortController().signal), null)
  t.equal(await measureFolder(join(folder, 'file'), new AbortController().signal), null)
  const ending = new AbortController()
  const cut = t.rejects(measureFolder(folder, ending.signal), { name: 'AbortError' })
  ending.abort()
  await cut
})

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`the sizes of workspaces, of those that were never measured first (${kind})`, async t => {
    const { app, call, create } = await httpHouse(t, { kind })
    const [one, two] = [(await create({ mode: 'isolated_workspace', name: 'one' })).body, (await create({ mode: 'isolated_workspace', name: 'two' })).body]
    await writeFile(join(one.cwd, 'large'), randomBytes(1_000_000))
    t.match(one, { diskBytes: null, diskMeasuredAt: null })
    t.equal(await app.diskUse.measure(), 2, 'both, and the shared checkout is nobody\'s')
    t.equal(await app.diskUse.measure(), 0, 'what was measured is not measured again at once')
    const shown = async (id: string) => (await call('GET', `/api/execution-workspaces/${id}`)).body
    const { diskBytes, diskMeasuredAt, version } = await shown(one.id)
    t.ok(diskBytes > 1_000_000 && diskBytes < 1_500_000)
    t.ok(Date.parse(diskMeasuredAt) > Date.parse(one.createdAt))
    t.equal(version, one.version, 'a size is no change')
    t.match((await call('GET', `/api/execution-workspaces/${one.id}/close-readiness`)).body, { diskBytes, diskMeasuredAt })
    const total = diskBytes + (await shown(two.id)).diskBytes
    t.match((await call('GET', '/metrics')).text, new RegExp(`^berth_workspaces_disk_bytes ${total}$`, 'm'))
    t.equal((await call('POST', '/api/maintenance/sweep?dryRun=true')).body.diskBytes, total)
    await call('POST', `/api/execution-workspaces/${one.id}/archive`)
    t.match(await shown(one.id), { status: 'archived', diskBytes: null })
    t.equal(await app.diskUse.total(), total - diskBytes)
  })
}
