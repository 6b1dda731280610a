import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { buildTestApp } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { httpHouse } from '../fixtures/http-workspaces.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const runtimeConfig = {
  commands: [
    { name: 'web', kind: 'service', command: 'exec sleep 60' },
    { name: 'check', kind: 'job', command: 'echo fine' },
    { name: 'talk', kind: 'job', command: 'head -c 6000000 /dev/zero | tr "\\0" x; echo; echo done >&2' }
  ]
}

t.test('with too little room no new work is begun, but what there is can be stopped and closed', async t => {
  const { app, call, create, company, projectId, projectWorkspaceId, database, dataDir } = await httpHouse(t, { runtimeConfig })
  const made = await create({ mode: 'isolated_workspace', name: 'one' })
  t.equal(made.status, 201, made.text)
  const workspace = `/api/execution-workspaces/${made.body.id}`
  t.equal((await call('POST', `${workspace}/runtime-services/start`)).status, 200)
  await app.freeSpace.requireRoom()
  t.match((await call('GET', '/metrics')).text, /^berth_data_dir_free_bytes [0-9]{5,}$/m)

  // The same data under a service that wants more than any disk has.
  const neededBytes = Number.MAX_SAFE_INTEGER
  const braked = await buildTestApp(t, { database, config: { dataDir, minFreeBytes: neededBytes } })
  await braked.app.recovery.run()
  const refused = await braked.call('POST', `${company}/execution-workspaces`, { projectId, mode: 'isolated_workspace', name: 'two' })
  t.match(refused, { status: 507, body: { code: 'insufficient_storage', neededBytes, detail: /are free, and new work needs/ } })
  t.equal((await braked.call('GET', `${company}/execution-workspaces`)).body.length, 1, 'nothing was made')
  t.match(await braked.call('GET', '/readyz'), { status: 200, body: { status: 'ready', disk: { ok: false, neededBytes } } })
  for (const place of [workspace, `/api/projects/${projectId}/workspaces/${projectWorkspaceId}`]) {
    for (const action of ['runtime-services/start', 'runtime-services/restart']) t.equal((await braked.call('POST', `${place}/${action}`)).status, 507, action)
    t.equal((await braked.call('POST', `${place}/runtime-commands/run`, { workspaceCommandId: 'job:check' })).status, 507)
    t.equal((await braked.call('POST', `${place}/runtime-services/stop`)).status, 200)
  }
  const archived = await braked.call('POST', `${workspace}/archive`)
  t.match(archived, { status: 200, body: { workspace: { status: 'archived' } } })
  t.equal((await braked.call('POST', `${workspace}/restore`)).status, 507)
  t.equal((await call('POST', `${workspace}/restore`)).status, 200)
})

t.test('a disk that fills: the job goes on, its operation says that its log is incomplete, and with room again all is as before', async t => {
  const dataDir = await temporaryFolder(t)
  const disk = join(dataDir, 'logs')
  await mkdir(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'pipe' })
  } catch {
    return t.comment('not tried: a small file system can only be mounted by root')
  }
  t.teardown(() => { execFileSync('umount', ['-l', disk]) })
  const { call, projectId, projectWorkspaceId } = await httpHouse(t, { runtimeConfig, config: { dataDir } })
  const project = `/api/projects/${projectId}/workspaces/${projectWorkspaceId}`
  const run = async (name: string) => await call('POST', `${project}/runtime-commands/run`, { workspaceCommandId: `job:${name}` })

  const full = await run('talk')
  t.equal(full.status, 200, full.text)
  t.match(full.body.operation, { status: 'succeeded', exitCode: 0, metadata: { logIncomplete: true }, stderrExcerpt: 'done\n' })
  const log = (await call('GET', `/api/workspace-operations/${full.body.operation.id}/log?limitBytes=2097152`)).body
  t.ok(log.content.endsWith('\n'), 'whole lines only')
  for (const line of log.content.split('\n').filter(Boolean)) JSON.parse(line)

  await writeFile(join(disk, 'rest'), Buffer.alloc(4_000_000)).catch(() => { /* That is the point. */ })
  const still = await run('check')
  t.ok(still.status === 200 || still.status >= 500, 'it ends, one way or the other')

  await rm(join(disk, 'rest'), { force: true })
  await rm(join(disk, 'operations'), { recursive: true, force: true })
  await eventually(async () => {
    const { body } = await run('check')
    return body.operation?.status === 'succeeded' && body.operation.metadata.logIncomplete === undefined && body.operation.stdoutExcerpt === 'fine\n'
  }, 'with room again logs are whole')
})
