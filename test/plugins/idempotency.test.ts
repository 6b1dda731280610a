/** POST with an Idempotency-Key. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { buildTestApp, person } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { runtimeScene } from '../fixtures/runtime.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { digestOfKey } from '../../services/sealed-answer.ts'

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`a POST with an Idempotency-Key (${kind})`, async t => {
    const testApp = await buildTestApp(t, { kind })
    const { call, database } = testApp
    await call('PUT', `/api/companies/${ids.company}`, { name: 'A' })
    const url = `/api/companies/${ids.company}/projects`
    const post = (key: string, body: unknown, actor?: ReturnType<typeof person>) => call('POST', url, body, { headers: { 'idempotency-key': key }, ...(actor === undefined ? {} : { actor }) })
    const count = async () => (await call('GET', url)).body.length

    t.test('gives the first answer again, headers and all, and does nothing twice', async t => {
      const first = await post('k1', { name: 'P' })
      t.equal(first.status, 201)
      const again = await post('k1', { name: 'P' })
      t.equal(again.status, 201)
      t.equal(again.text, first.text)
      for (const name of ['location', 'etag', 'content-type']) t.equal(again.headers[name], first.headers[name], name)
      t.equal(again.headers['idempotency-replayed'], 'true')
      t.equal(first.headers['idempotency-replayed'], undefined)
      t.equal(await count(), 1)
    })

    t.test('with another body is a 422', async t => {
      t.match(await post('k1', { name: 'Q' }), { status: 422, body: { code: 'idempotency_mismatch' } })
      t.equal(await count(), 1)
    })

    t.test('is remembered per person and per path', async t => {
      t.equal((await post('k1', { name: 'Q' }, person(ids.company, 'admin'))).status, 201)
      t.equal((await call('POST', `/api/companies/${ids.company}/agents`, { name: 'a' }, { headers: { 'idempotency-key': 'k1' } })).status, 201)
    })

    t.test('keeps a refusal of the request too, but not one that may pass', async t => {
      t.equal((await post('k2', { name: 'P', executionWorkspacePolicy: { workspaceRuntime: { commands: 1 } } })).status, 422)
      t.match(await post('k2', { name: 'P', executionWorkspacePolicy: { workspaceRuntime: { commands: 1 } } }), { status: 422, headers: { 'idempotency-replayed': 'true', 'content-type': /problem\+json/ } })
      const wrong = await post('k3', { colour: 1 })
      t.equal(wrong.status, 400)
      t.equal((await post('k3', { name: 'after a malformed one' })).status, 201, 'a malformed request takes no key')
    })

    t.test('of 10 at once one is done; the others get its answer or are told it still runs', async t => {
      const before = await count()
      const answers = await Promise.all(Array.from({ length: 10 }, () => post('k4', { name: 'P' })))
      t.equal(await count(), before + 1)
      t.ok(answers.some(answer => answer.status === 201))
      for (const answer of answers) t.ok(answer.status === 201 || (answer.status === 409 && answer.headers['retry-after'] !== undefined), String(answer.status))
    })

    t.test('must be printable and short', async t => {
      for (const key of ['a'.repeat(256), 'é']) t.match(await post(key, { name: 'P' }), { status: 400, body: { code: 'bad_request' } })
    })

    t.test('is of the same body in whatever order', async t => {
      t.equal((await post('k5', '{"name":"P","executionWorkspacePolicy":null}')).status, 201)
      t.match(await post('k5', '{"executionWorkspacePolicy":null,"name":"P"}'), { status: 201, headers: { 'idempotency-replayed': 'true' } })
    })

    t.test('means nothing to other methods, and to what there is not', async t => {
      const keyed = { headers: { 'idempotency-key': 'k6' } }
      for (const [method, path, body] of [['GET', url, undefined], ['PUT', `${url}/${ids.project}`, { name: 'P' }], ['POST', '/api/nothing', {}]] as const) {
        await call(method, path, body, keyed)
        t.equal((await call(method, path, body, keyed)).headers['idempotency-replayed'], undefined, method)
      }
      t.same(await database.db.selectFrom('idempotency_keys').select('path').where('key', '=', 'k6').execute(), [])
    })

    t.test('holds as long as its request runs, however late it is renewed', async t => {
      const folder = await temporaryFolder(t)
      const [runs, open] = [join(folder, 'runs'), join(folder, 'open')]
      const began = async (): Promise<number> => (await readFile(runs, 'utf8').catch(() => '')).length
      const job = { name: 'long', command: `printf x >> ${runs}; until [ -e ${open} ]; do sleep 0.02; done` }
      const scene = await runtimeScene(t, testApp, { folder, runtime: { jobs: [job] } })
      const run = async () => await scene.control('run', { workspaceCommandId: 'job:long' }, { headers: { 'idempotency-key': 'k7' } })
      const atOnce = [run(), run(), run(), run()]
      await eventually(async () => await began() > 0, 'the job runs')
      await database.db.updateTable('idempotency_keys').set({ expires_at: new Date(Date.now() - 60_000) }).where('key', '=', 'k7').execute()
      t.match(await run(), { status: 409, headers: { 'retry-after': '1' } })
      await writeFile(open, '')
      t.same((await Promise.all(atOnce)).map(({ status }) => status).sort(), [200, 409, 409, 409])
      t.match(await run(), { status: 200, headers: { 'idempotency-replayed': 'true' }, body: { operation: { status: 'succeeded' } } })
      t.equal(await began(), 1)
    })

    t.test('may be used anew when its time is up', async t => {
      await database.db.updateTable('idempotency_keys').set({ expires_at: new Date(Date.now() - 1000) }).where('key', '=', digestOfKey('k1')).execute()
      t.equal((await post('k1', { name: 'Other' })).status, 201)
    })
  })
}
