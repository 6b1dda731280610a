/** Actions answered before their end (`Prefer`), and clients that hang up: whatever is asked for is done to its end. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Answer } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { httpHouse, type HttpHouse } from '../fixtures/http-workspaces.ts'
import { web } from '../fixtures/runtime.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const soon = { headers: { prefer: 'respond-async' } }

/** A shell command that ends when its gate is opened. */
async function gate (t: Test): Promise<{ command: string, open: () => Promise<void> }> {
  const path = join(await temporaryFolder(t), 'open')
  return { command: `until [ -e ${path} ]; do sleep 0.02; done`, open: async () => await writeFile(path, '') }
}

/** Follows the operation of a 202 to its end. */
async function endOf ({ call }: HttpHouse, location: unknown): Promise<Answer['body']> {
  let operation: Answer['body']
  await eventually(async () => {
    operation = (await call('GET', String(location))).body
    return operation.finishedAt !== null
  }, 'it has ended')
  return operation
}

function isAccepted (t: Test, answer: Answer, applied = 'respond-async'): void {
  t.equal(answer.status, 202, answer.text)
  t.match(answer.headers, { location: /^\/api\/workspace-operations\/[0-9a-f-]{36}$/, 'preference-applied': applied, etag: undefined })
}

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`on ${kind}`, async t => {
    const logged: { level: number, msg?: string }[] = []
    const rejections: unknown[] = []
    const onRejection = (reason: unknown) => rejections.push(reason)
    process.on('unhandledRejection', onRejection)
    t.teardown(() => process.off('unhandledRejection', onRejection))
    const house = await httpHouse(t, { kind, config: { stopServicesOnExit: true }, onLog: line => logged.push(line) })
    const { app, call, company, projectId, create } = house
    const status = async (id: string) => (await call('GET', `/api/execution-workspaces/${id}`)).body.status
    const createSoon = async (name: string, config: object, headers = {}) => await call('POST', `${company}/execution-workspaces`, { projectId, mode: 'isolated_workspace', name, config }, { headers: { prefer: 'respond-async', ...headers } })

    t.test('a workspace is there at once, and one operation tells when it is made', async t => {
      const { command, open } = await gate(t)
      const made = await createSoon('made', { provisionCommand: command }, { 'idempotency-key': 'make' })
      isAccepted(t, made)
      t.match(made.body, { status: 'provisioning', companyId: house.companyId, runtimeServices: [] })
      const operation = (await call('GET', String(made.headers.location))).body
      t.match(operation, { status: 'running', phase: 'workspace_provision', executionWorkspaceId: made.body.id, metadata: { action: 'create' } })
      const replayed = await createSoon('made', { provisionCommand: command }, { 'idempotency-key': 'make' })
      isAccepted(t, replayed)
      t.same([replayed.text, replayed.headers.location, replayed.headers['idempotency-replayed']], [made.text, made.headers.location, 'true'], 'the same, once more')
      t.equal(await status(made.body.id), 'provisioning')
      await open()
      t.match(await endOf(house, made.headers.location), { status: 'succeeded' })
      t.equal(await status(made.body.id), 'active')
      const all = (await call('GET', `/api/execution-workspaces/${made.body.id}/workspace-operations`)).body
      t.equal(all.length, 3, 'the steps have theirs besides')
    })

    t.test('a failure after the 202 is in the operation and in the log', async t => {
      const made = await createSoon('broken', { provisionCommand: 'echo no luck >&2; exit 3' })
      isAccepted(t, made)
      const ended = await endOf(house, made.headers.location)
      t.match(ended, { status: 'failed', metadata: { error: { code: 'provision_failed', detail: /exited with 3/ }, failedOperationId: /^[0-9a-f-]{36}$/ } })
      t.not(ended.metadata.failedOperationId, ended.id)
      t.match(await call('GET', `/api/execution-workspaces/${made.body.id}`), { body: { status: 'provision_failed', cleanupReason: /exited with 3/ } })
      await eventually(() => logged.some(({ level, msg }) => level === 40 && msg === 'an action that was answered early has failed'), 'a warning')
    })

    t.test('what takes no time, or is refused, is answered as ever', async t => {
      t.match(await call('POST', `${company}/execution-workspaces`, { projectId, mode: 'shared_workspace' }, soon), { status: 201, headers: { 'preference-applied': undefined } })
      t.equal((await call('POST', `${company}/execution-workspaces`, { projectId: randomUUID() }, soon)).status, 422)
      const { body: made } = await create({ mode: 'isolated_workspace', name: 'quick' })
      const url = `/api/execution-workspaces/${made.id}`
      t.equal((await call('PATCH', url, { name: 'Quick' }, soon)).status, 200)
      t.equal((await call('POST', `${url}/restore`, undefined, soon)).status, 409)
      t.equal((await call('POST', `${url}/archive`, undefined, { headers: { prefer: 'wait=60' } })).status, 200, 'it ends in time')
      t.match(await call('POST', `${url}/archive`, undefined, soon), { status: 200, body: { workspace: { status: 'archived' } } }, 'there was nothing to do')
    })

    t.test('closing and reopening, by their own paths and by a PATCH', async t => {
      for (const way of ['own', 'patch'] as const) {
        const { command, open } = await gate(t)
        const { body: { id } } = await create({ mode: 'isolated_workspace', name: `close-${way}`, config: { teardownCommand: command } })
        const url = `/api/execution-workspaces/${id}`
        const ask = async (wanted: string, path: string) => way === 'own'
          ? await call('POST', `${url}/${path}`, undefined, soon)
          : await call('PATCH', url, { status: wanted, name: wanted }, soon)
        const workspaceIn = ({ body }: Answer) => way === 'own' ? body.workspace : body

        const archiving = await ask('archived', 'archive')
        isAccepted(t, archiving)
        t.match(workspaceIn(archiving), { id, status: 'archiving', ...(way === 'own' ? {} : { name: 'archived' }) })
        if (way === 'own') t.match(archiving.body.operation, { phase: 'worktree_cleanup', status: 'running' })
        t.equal((await call('POST', `${url}/archive`, undefined, soon)).status, 409, 'one at a time')
        await open()
        t.match(await endOf(house, archiving.headers.location), { status: 'succeeded', phase: 'worktree_cleanup' })
        t.equal(await status(id), 'archived', 'its operation ends when all has')

        const restoring = await ask('idle', 'restore')
        isAccepted(t, restoring)
        t.match(workspaceIn(restoring), { id })
        t.match(await endOf(house, restoring.headers.location), { status: 'succeeded', phase: 'workspace_restore' })
        t.equal(await status(id), way === 'own' ? 'active' : 'idle')
      }
    })

    t.test('services and jobs; with a time to wait, what ends within it is answered with its end', async t => {
      const { command, open } = await gate(t)
      const { body: { id } } = await create({ mode: 'isolated_workspace', name: 'runs', config: { workspaceRuntime: { commands: [web, { name: 'long', kind: 'job', command: `${command}; echo done` }, { name: 'short', kind: 'job', command: 'echo done' }] } } })
      const url = `/api/execution-workspaces/${id}/runtime-commands`
      for (const action of ['start', 'restart', 'stop']) {
        const answer = await call('POST', `${url}/${action}`, {}, soon)
        isAccepted(t, answer)
        t.equal(answer.body.operation.metadata.action, action)
        t.equal((await endOf(house, answer.headers.location)).status, 'succeeded', action)
      }
      const run = async (job: string, prefer: string) => await call('POST', `${url}/run`, { workspaceCommandId: `job:${job}` }, { headers: { prefer } })
      t.match(await run('short', 'respond-async, wait=60'), { status: 200, body: { operation: { status: 'succeeded' } } })
      const begun = performance.now()
      const waited = await run('long', 'wait=1, respond-async')
      t.ok(performance.now() - begun >= 990, 'it was waited for')
      isAccepted(t, waited, 'respond-async, wait=1')
      t.match(waited.body, { workspace: { id }, operation: { status: 'running' } })
      isAccepted(t, await run('long', 'wait=0'), 'wait=0')
      await open()
      t.match(await endOf(house, waited.headers.location), { status: 'succeeded', stdoutExcerpt: 'done\n' })
      t.equal((await run('short', 'wait=soon; x, "respond-async"')).status, 200, 'what can not be read is ignored')
    })

    t.test('a client that hangs up changes nothing, and its answer is kept for it', async t => {
      await app.listen({ port: 0, host: '127.0.0.1' })
      const { port } = app.server.address() as AddressInfo
      const { body: other } = await create({ mode: 'isolated_workspace', name: 'hung' })
      const { command, open } = await gate(t)
      const config = { teardownCommand: command, workspaceRuntime: { commands: [{ ...web, command: `${command}; ${web.command}` }, { name: 'long', kind: 'job', command }] } }
      await call('PATCH', `/api/execution-workspaces/${other.id}`, { config })
      const { body: closing } = await create({ mode: 'isolated_workspace', name: 'closing', config: { teardownCommand: command } })
      const requests: [string, object][] = [
        [`${company}/execution-workspaces`, { projectId, mode: 'isolated_workspace', name: 'unheard', config: { provisionCommand: command } }],
        [`/api/execution-workspaces/${other.id}/runtime-services/start`, {}],
        [`/api/execution-workspaces/${other.id}/runtime-services/run`, { workspaceCommandId: 'job:long' }],
        [`/api/execution-workspaces/${closing.id}/archive`, {}]
      ]
      const sockets = requests.map(([path, body]) => {
        const text = JSON.stringify(body)
        const socket = connect(port, '127.0.0.1')
        socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nIdempotency-Key: hung-up\r\n\r\n${text}`)
        return socket
      })
      const running = async () => await house.database.db.selectFrom('workspace_operations').select('command').where('status', '=', 'running').execute()
      await eventually(async () => (await running()).filter(operation => operation.command === command).length === 3 && (await running()).length >= 5, 'all four are at their gates')
      const gone = sockets.map(async socket => await new Promise(resolve => socket.once('close', resolve)))
      for (const socket of sockets) socket.destroy()
      await Promise.all(gone)
      const repeat = async ([path, body]: [string, object]) => await call('POST', path, body, { headers: { 'idempotency-key': 'hung-up' } })
      for (const request of requests) t.match(await repeat(request), { status: 409, headers: { 'retry-after': '1' } }, 'it goes on')

      await open()
      for (const request of requests) {
        let answer: Answer | undefined
        await eventually(async () => (answer = await repeat(request)).status !== 409, 'the answer is kept')
        t.match(answer, { status: request === requests[0] ? 201 : 200, headers: { 'idempotency-replayed': 'true' } }, answer?.text ?? 'an answer')
        if (request !== requests[0]) t.equal(answer?.body.operation.status, 'succeeded')
      }
      t.equal((await call('GET', `${company}/execution-workspaces?q=unheard`)).body.length, 1, 'nothing was done twice')
      t.equal(await status(closing.id), 'archived')
    })

    t.test('nothing of all this was left unhandled', async t => {
      t.same(rejections, [])
      t.same(logged.filter(({ level }) => level >= 50), [])
    })
  })
}
