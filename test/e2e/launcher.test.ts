/** The process that begins the others is killed under a service at work: nothing that runs is lost, and work goes on. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { createClient } from '../../cli/client.ts'
import { childrenOf, readStat } from '../../services/process/proc-stat.ts'
import { eventually } from '../fixtures/eventually.ts'
import { lives } from '../fixtures/runtime.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

interface Shown { providerRef: string, status: string, exitReason: string | null }

// Cold starts of the embedded database take seconds, more on a busy machine.
t.setTimeout(200_000)

t.test('services outlive their launcher, and are watched and ended as before', async t => {
  const service = await startService(t, join(await temporaryFolder(t), 'data'))
  const call = createClient(service.url)
  const [companyId, projectId, workspaceId] = [randomUUID(), randomUUID(), randomUUID()]
  await call('PUT', `/api/companies/${companyId}`, { name: 'Launcher' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Launcher' })
  const commands = [
    ...['stays', 'falls'].map(name => ({ name, command: 'exec sleep 60', reuseScope: 'project_workspace' })),
    { name: 'parent', kind: 'job', command: 'echo parent $PPID' }
  ]
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${workspaceId}`, { name: 'Main', cwd: await temporaryFolder(t), isPrimary: true, runtimeConfig: { commands } })
  const { body: { id } } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, { projectId, mode: 'shared_workspace', name: 'Work', config: { workspaceRuntime: { commands } } })
  const path = `/api/execution-workspaces/${id}`
  const parentOfJob = async (): Promise<number> => {
    const { body: { operation } } = await call<{ operation: { stdoutExcerpt: string } }>('POST', `${path}/runtime-commands/run`, { workspaceCommandId: 'job:parent' }, 200)
    return Number(/parent (\d+)/.exec(operation.stdoutExcerpt)?.[1])
  }
  await call('POST', `${path}/runtime-services/start`, {}, 200)
  const services = async (): Promise<Shown[]> => (await call<{ runtimeServices: Shown[] }>('GET', path)).body.runtimeServices
  const [first, second] = (await services()).map(({ providerRef }) => Number(providerRef))
  if (first === undefined || second === undefined) throw new Error('two services should run')

  const launcher = await parentOfJob()
  t.equal(readStat(launcher)?.parent, service.pid, 'it is a child of the service')
  process.kill(launcher, 'SIGKILL')
  await eventually(() => !lives(launcher), 'it is gone')
  t.ok(Number.isSafeInteger(await parentOfJob()), 'a job runs')
  t.ok(lives(first) && lives(second), 'the services live on')
  process.kill(first, 'SIGKILL')
  await eventually(async () => (await services()).filter(({ status }) => status === 'running').length === 1, 'the end of one is seen')
  await eventually(async () => await parentOfJob() !== service.pid, 'there is a new launcher')
  await call('POST', `${path}/runtime-services/stop`, {}, 200)
  t.notOk(lives(second), 'the other one is stopped')

  const [latest] = childrenOf(service.pid)
  await service.stop()
  t.notOk(latest !== undefined && lives(latest), 'a service that ends takes its launcher along')
})
