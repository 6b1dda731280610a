/** The memory of the service stays flat while a runtime service prints 100 MB, with one reader that keeps up and one that takes nothing. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { createClient, followEvents } from '../../cli/client.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const aimMb = 30
const command = "until [ -e go ]; do sleep 0.02; done; head -c 95000000 /dev/zero | tr '\\0' x; head -c 5000000 /dev/urandom; echo; echo all is said; exec sleep 60"

function residentMb (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

t.test('100 MB of output and two readers', async t => {
  const folder = await temporaryFolder(t, 'berth-memory-')
  const service = await startService(t, join(await temporaryFolder(t, 'berth-memory-data-'), 'data'))
  const call = createClient(service.url)
  const [companyId, projectId] = [randomUUID(), randomUUID()]
  await call('PUT', `/api/companies/${companyId}`, { name: 'Memory' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}`, { name: 'Memory' })
  await call('PUT', `/api/companies/${companyId}/projects/${projectId}/workspaces/${randomUUID()}`, { name: 'Main', cwd: folder, isPrimary: true })
  const { body: workspace } = await call<{ id: string }>('POST', `/api/companies/${companyId}/execution-workspaces`, {
    projectId, mode: 'shared_workspace', name: 'Work', config: { workspaceRuntime: { commands: [{ name: 'loud', command, log: { maxBytes: 8_000_000 } }] } }
  })
  const { body } = await call<{ workspace: { runtimeServices: { id: string }[] } }>('POST', `/api/execution-workspaces/${workspace.id}/runtime-services/start`, {}, 200)
  const url = `${service.url}/api/runtime-services/${body.workspace.runtimeServices[0]?.id}/log/stream`

  // Its answer is never read: what the kernel has no room for stays in the log.
  const stalled = await new Promise<{ destroy (): void }>(resolve => get(url, response => resolve(response)))
  t.teardown(() => stalled.destroy())
  const before = residentMb(service.pid)
  let most = before
  const watching = setInterval(() => { most = Math.max(most, residentMb(service.pid)) }, 5)
  t.teardown(() => clearInterval(watching))
  await writeFile(join(folder, 'go'), '')
  let received = 0
  for await (const { event, data } of followEvents(url)) {
    if (event === 'log') received += Number(data['nextOffset']) - Number(data['offset'])
    if (event === 'log' && String(data['content']).includes('all is said')) break
  }
  t.ok(received > 8_000_000, `${received} bytes were received`)
  t.ok(most - before <= aimMb, `grew by ${(most - before).toFixed(1)} MB`)
  t.equal((await fetch(`${service.url}/healthz`)).status, 200)
})
