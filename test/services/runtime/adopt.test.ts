import { randomUUID } from 'node:crypto'
import t from 'tap'
import { findService, insertService, type ServiceRow } from '../../../db/runtime-services.ts'
import { buildTestApp } from '../../fixtures/app.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { startProgram, type StartedProgram } from '../../fixtures/processes.ts'
import { lives } from '../../fixtures/runtime.ts'

const { app, call, database: { db } } = await buildTestApp(t)
const { supervisor } = app.runtimeControl
const companyId = randomUUID()
await call('PUT', `/api/companies/${companyId}`, { name: 'Acme' })

async function rowOf ({ process: { pid, startTime }, mark }: StartedProgram, fields: Partial<ServiceRow> = {}): Promise<ServiceRow> {
  const { definition: _definition, stop_policy: _stopPolicy, ...others } = fields
  return await insertService(db, {
    id: randomUUID(), company_id: companyId, scope_type: 'run', service_name: 'program', status: 'running', lifecycle: 'ephemeral', identity_key: randomUUID(), provider: 'local_process', health_status: 'healthy', host_id: app.operations.hostId, spawn_mark: mark, provider_ref: String(pid), pid_start_time: startTime, ...others
  })
}

t.test('a service that runs is adopted: it can be stopped, and its exit is seen', async t => {
  const [one, other] = [await startProgram(t, 'never-ready.js'), await startProgram(t, 'never-ready.js')]
  const rows = [await rowOf(one), await rowOf(other)] as const
  for (const row of rows) t.equal(await supervisor.adopt(row), 'adopted')
  t.equal(await supervisor.adopt(rows[0]), 'adopted', 'once more changes nothing')
  t.match(await supervisor.stop(rows[0], { op: null, reason: 'Enough.', leaving: null }), { survivors: [] })
  t.match(await findService(db, rows[0].id), { status: 'stopped', exit_reason: 'Enough.' })
  process.kill(other.process.pid, 'SIGKILL')
  await eventually(async () => (await findService(db, rows[1].id))?.status === 'failed', 'the exit of an adopted service is recorded')
  t.match(await findService(db, rows[1].id), { exit_code: null, exit_reason: 'It ended; nobody saw how.' })
})

t.test('a start that was cut off is ended and failed', async t => {
  const program = await startProgram(t, 'never-ready.js')
  const row = await rowOf(program, { status: 'starting', provider_ref: null, pid_start_time: null })
  t.equal(await supervisor.adopt(row), 'ended')
  t.notOk(lives(program.process.pid))
  t.match(await findService(db, row.id), { status: 'failed', exit_reason: 'Its start was cut off.' })
  t.equal(await supervisor.adopt(row), 'ended', 'one that has ended stays so')
})

t.test('the start time decides: a process that only has the pid is no service', async t => {
  const program = await startProgram(t, 'never-ready.js')
  const row = await rowOf(program, { pid_start_time: '1@another-boot', spawn_mark: randomUUID() })
  t.equal(await supervisor.adopt(row), 'ended')
  t.ok(lives(program.process.pid))
  t.match(await findService(db, row.id), { status: 'stopped' })
})
