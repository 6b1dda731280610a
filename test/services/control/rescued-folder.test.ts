/** A folder that is no repository, over HTTP: archived, listed, a file of it handed out, restored, and forgotten when its time is over. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { storeOf } from '../../../services/folders/stored-folder.ts'
import { writeFiles } from '../../fixtures/git.ts'
import { httpHouse } from '../../fixtures/http-workspaces.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

for (const kind of ['pglite', 'postgres'] as const) {
  test(`a plain folder is listed, handed out, restored and dropped (${kind})`, async t => {
    const house = await httpHouse(t, { kind, policy: { cleanupPolicy: { retainRescueDays: 0 } } })
    const { call, create, database } = house
    const path = join(await temporaryFolder(t), 'plain')
    await writeFiles(path, { 'a/file.txt': 'content\n', '.env': 'S=1\n' })
    execFileSync('chmod', ['0640', join(path, '.env')])
    execFileSync('mkfifo', [join(path, 'pipe')])
    symlinkSync('a/file.txt', join(path, 'link'))
    const { body: made } = await create({ mode: 'shared_workspace', name: 'plain' })
    await database.db.updateTable('execution_workspaces').set({ mode: 'isolated_workspace', provider_type: 'local_fs', created_by_runtime: true, cwd: path, realized_path: path, repo_root: null })
      .where('id', '=', made.id).execute()
    const url = `/api/execution-workspaces/${made.id}`
    t.match((await call('GET', `${url}/explain`)).body.closing, { deletes: [`The folder ${path}.`], keeps: [/as an archive in the data dir/, /Its record/] })
    const archived = await call('POST', `${url}/archive`)
    t.match(archived.body, { workspace: { status: 'archived', cleanupReason: 'pipe is a pipe, which is not kept.' }, operation: { metadata: { warnings: ['pipe is a pipe, which is not kept.'] } } })
    t.notOk(existsSync(path))

    const listed = await call('GET', `${url}/rescue`)
    const files = [
      { path: '.env', status: 'untracked', mode: '100640', sizeBytes: 4 },
      { path: 'a', status: 'untracked', mode: `04${(0o777 & ~process.umask()).toString(8).padStart(4, '0')}`, sizeBytes: null },
      { path: 'a/file.txt', status: 'untracked', mode: `10${(0o666 & ~process.umask()).toString(8).padStart(4, '0')}`, sizeBytes: 8 },
      { path: 'link', status: 'untracked', mode: '120000', sizeBytes: 10 }
    ]
    t.match(listed, { status: 200, body: { ref: null, archive: /\.tar\.zst$/, fileCount: 4, warnings: ['pipe is a pipe, which is not kept'] } })
    t.same(listed.body.files, files)
    const first = await call('GET', `${url}/rescue?limit=3`)
    const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers['link']))?.[1] ?? ''
    const second = await call('GET', next)
    t.same([first.body.files, second.body.files, second.headers['link']], [files.slice(0, 3), files.slice(3), undefined])

    t.match(await call('GET', `${url}/rescue/files/a/file.txt`), { status: 200, text: 'content\n', headers: { 'berth-file-mode': files[2]?.mode ?? '', etag: /^"[0-9a-f]{64}"$/ } })
    t.match(await call('GET', `${url}/rescue/files/link`), { status: 200, text: 'a/file.txt', headers: { 'berth-file-mode': '120000' } })
    for (const [bad, status] of [['a', 422], ['pipe', 404], ['nothing', 404], ['..%2Ffile', 404]] as const) t.equal((await call('GET', `${url}/rescue/files/${bad}`)).status, status, bad)

    t.match((await call('POST', `${url}/restore`)).body.workspace, { status: 'active', cleanupReason: 'pipe is a pipe, which is not kept.' })
    t.equal(statSync(join(path, '.env')).mode & 0o777, 0o640)
    rmSync(join(path, 'a'), { recursive: true })
    t.equal((await call('POST', `${url}/archive`)).body.workspace.status, 'archived')
    t.equal(readdirSync(storeOf(house.app.config.dataDir)).length, 4, 'both states are kept')
    t.match((await call('GET', `${url}/explain`)).body.next, [{ kind: 'rescue_dropped' }])
    t.match((await call('POST', '/api/maintenance/sweep')).body.items, [{ workspaceId: made.id, outcome: 'rescue_dropped' }])
    t.same(readdirSync(storeOf(house.app.config.dataDir)), [])
    t.match((await call('GET', `${url}/rescue`)).body, { archive: null, files: [] })
    t.equal((await call('GET', `${url}/rescue/files/.env`)).status, 404)
    t.same((await call('POST', '/api/maintenance/sweep')).body.items, [], 'nothing is dropped twice')
    t.match(await call('POST', `${url}/restore`), { status: 422, body: { detail: /is not there/ } })
  })
}
