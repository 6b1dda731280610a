/** Cancelling what takes several steps: making a workspace, closing it, a service that comes back by its policy. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { cancellerOf } from '../../../services/operations/cancellation.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { httpHouse } from '../../fixtures/http-workspaces.ts'
import { programCommand } from '../../fixtures/processes.ts'
import { lives } from '../../fixtures/runtime.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

interface Operation { id: string, status: string, phase: string, command: string | null, metadata: Record<string, unknown> }

const house = await httpHouse(t, { config: { stopServicesOnExit: true } })
const { call, company, create } = house
const folder = await temporaryFolder(t)

const cancel = async (id: string) => await call('POST', `/api/workspace-operations/${id}/cancel`)
const operationsOf = async (workspaceId: string): Promise<Operation[]> => (await call('GET', `/api/execution-workspaces/${workspaceId}/workspace-operations`)).body

/** The operation of a workspace that runs now and fits. */
async function running (workspaceId: string, fits: (operation: Operation) => boolean): Promise<Operation> {
  let found: Operation | undefined
  await eventually(async () => {
    found = (await operationsOf(workspaceId)).find(operation => operation.status === 'running' && fits(operation))
    return found !== undefined
  }, 'an operation to run')
  if (found === undefined) throw new Error('unreachable')
  return found
}

async function pidIn (name: string): Promise<string> {
  const file = join(folder, name)
  await eventually(async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'), `a pid in ${file}`)
  return (await readFile(file, 'utf8')).trim()
}

const waits = (name: string) => `echo $$ > ${join(folder, name)}; sleep 304`

t.test('a provision command: the workspace is not made, and says why', async t => {
  const making = create({ mode: 'isolated_workspace', name: 'unmade', workspaceStrategy: { type: 'git_worktree', provisionCommand: waits('provision') } })
  const pid = await pidIn('provision')
  const [listed] = (await call('GET', `${company}/execution-workspaces`)).body.filter(({ name }: { name: string }) => name === 'unmade')
  const { id } = await running(listed.id, operation => operation.metadata['action'] === 'provision')
  t.match(await cancel(id), { status: 200, body: { status: 'cancelled', metadata: { stop: { survivors: [] } } } })
  t.match(await making, { status: 422, body: { code: 'provision_failed', detail: /was cancelled/, operationId: id } })
  t.notOk(lives(pid))
  const { body: workspace } = await call('GET', `/api/execution-workspaces/${listed.id}`)
  t.match(workspace, { status: 'provision_failed', cleanupReason: /was cancelled/ })
  t.notOk(workspace.providerRef !== null && existsSync(workspace.providerRef), 'nothing of it is left')
})

t.test('the making of a workspace as a whole: the step under way ends, nothing of it is left', async t => {
  const begun = await call('POST', `${company}/execution-workspaces`, {
    projectId: house.projectId, mode: 'isolated_workspace', name: 'whole', workspaceStrategy: { type: 'git_worktree', provisionCommand: waits('whole') }
  }, { headers: { prefer: 'respond-async' } })
  t.match(begun, { status: 202, body: { status: 'provisioning' } })
  const pid = await pidIn('whole')
  const { id: workspaceId } = begun.body
  const operationId = String(begun.headers['location']).split('/').at(-1) ?? ''
  t.match(await cancel(operationId), { status: 200, body: { status: 'cancelled', metadata: { cancelledBy: { type: 'board' } } } })
  t.notOk(lives(pid))
  const { body: workspace } = await call('GET', `/api/execution-workspaces/${workspaceId}`)
  t.match(workspace, { status: 'provision_failed', cleanupReason: /cancelled/ })
  t.notOk(workspace.providerRef !== null && existsSync(workspace.providerRef), 'nothing of it is left')
  t.ok((await operationsOf(workspaceId)).every(({ status }) => status !== 'running'), 'nor an operation that is open')
})

t.test('an archive before it removes anything: the files stay; its teardown command alone: a warning', async t => {
  const { body: made } = await create({ mode: 'isolated_workspace', name: 'kept', config: { teardownCommand: waits('teardown') } })
  await writeFile(join(made.cwd, 'notes.txt'), 'a thought\n')
  const url = `/api/execution-workspaces/${made.id}`
  const archiving = call('POST', `${url}/archive`)
  const pid = await pidIn('teardown')
  const { id } = await running(made.id, operation => operation.phase === 'worktree_cleanup')
  t.match(await cancel(id), { status: 200, body: { status: 'cancelled' } })
  t.match(await archiving, { status: 200, body: { workspace: { status: 'cleanup_failed', cleanupReason: /cancelled/ }, operation: { id, status: 'cancelled' } } })
  t.notOk(lives(pid))
  t.equal(await readFile(join(made.cwd, 'notes.txt'), 'utf8'), 'a thought\n')

  const { body: other } = await create({ mode: 'isolated_workspace', name: 'closed', config: { teardownCommand: waits('teardown-alone') } })
  const closing = call('POST', `/api/execution-workspaces/${other.id}/archive`)
  await pidIn('teardown-alone')
  t.match(await cancel((await running(other.id, ({ phase }) => phase === 'workspace_teardown')).id), { status: 200 })
  t.match(await closing, { status: 200, body: { workspace: { status: 'archived', cleanupReason: /teardown command was cancelled/ } } })
})

t.test('an archive that removes the files can not be cancelled, and tells how to have them back', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const tried: unknown[] = []
  let armed: string | null = null
  const harbour = await makeHarbour(t, {
    db,
    // git's record is cleared once the folder is gone: the middle of the removal.
    git: real => Object.assign(async (...[args, options]: Parameters<typeof real>) => {
      if (armed !== null && args[0] === 'worktree' && args[1] === 'remove') {
        for (const id of harbour.recorder.underWay()) tried.push(await Promise.resolve().then(() => harbour.recorder.cancel(id, cancellerOf(localBoard))).catch((error: unknown) => error))
      }
      return await real(args, options)
    }, { ...real })
  })
  const { id, path } = await harbour.addWorkspace('feature')
  armed = asidePathOf(path, id)
  const { workspace, operation } = await harbour.archive.archive(localBoard, id)
  t.match(tried, [{ code: 'not_cancellable', detail: /being deleted.*Restore the workspace/ }])
  t.match([workspace.status, operation.status], ['archived', 'succeeded'])
})

t.test('a stop can not be cancelled', async t => {
  const { body: made } = await create({ mode: 'isolated_workspace', name: 'stopping', config: { workspaceRuntime: { commands: [{ name: 'slow', command: programCommand('stops-slowly.js'), env: { STOP_MS: '1500' }, stop: { graceSec: 20 } }] } } })
  const url = `/api/execution-workspaces/${made.id}/runtime-services`
  t.match(await call('POST', `${url}/start`, {}), { status: 200 })
  const stopping = call('POST', `${url}/stop`, {})
  const { id } = await running(made.id, ({ metadata }) => metadata['action'] === 'stop')
  t.match(await cancel(id), { status: 409, body: { code: 'not_cancellable', detail: /stop can not be cancelled/ } })
  t.match(await stopping, { status: 200, body: { operation: { id, status: 'succeeded' } } })
})

t.test('the restart of a service by its policy: it does not come back, and the row says why', async t => {
  const command = `test -e ran && { echo $$ > ${join(folder, 'again')}; exec ${programCommand('never-ready.js').slice(5)}; }; touch ran; exec ${programCommand('http-server.js').slice(5)}`
  const service = { name: 'web', command, port: { type: 'auto' }, readiness: { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/', timeoutSec: 60 }, restart: { policy: 'always', backoffMs: 20, maxRetries: 9 } }
  const { body: made } = await create({ mode: 'isolated_workspace', name: 'restarting', config: { workspaceRuntime: { commands: [service] } } })
  const url = `/api/execution-workspaces/${made.id}`
  const { body: started } = await call('POST', `${url}/runtime-services/start`, {})
  process.kill(Number(started.workspace.runtimeServices[0].providerRef), 'SIGKILL')
  const pid = await pidIn('again')
  const { id } = await running(made.id, ({ metadata }) => metadata['automatic'] === true)
  t.match(await cancel(id), { status: 200, body: { status: 'cancelled' } })
  t.notOk(lives(pid))
  t.match((await call('GET', url)).body.runtimeServices, [{ status: 'failed', exitReason: /its start was cancelled/, nextRestartAt: null }])
})
