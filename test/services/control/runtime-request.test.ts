import t from 'tap'
import type { ServiceRow } from '../../../db/runtime-services.ts'
import type { RuntimeAction, RuntimeControlBody } from '../../../openapi/schemas/runtime.ts'
import { decideRequest, servicesOfCommand, type RequestFacts } from '../../../services/control/runtime-request.ts'
import { listEntries } from '../../../services/runtime/commands.ts'

const commands = listEntries({
  commands: [
    { name: 'web', command: 'serve' },
    { name: 'test', kind: 'job', command: 'make test' },
    { name: 'api', command: 'api', cwd: '/w/api' },
    { name: 'off', command: 'x', disabledReason: 'no licence' }
  ]
}, 'execution_workspace')

function row (fields: Partial<ServiceRow>): ServiceRow {
  return { id: 'r', status: 'running', service_name: 'x', command: null, cwd: null, config_index: null, definition: null, ...fields } as ServiceRow
}

const running = row({ id: 'web-row', service_name: 'web', command: 'serve', config_index: 0 })
const facts: RequestFacts = { commands, hasConfig: true, services: [running, row({ id: 'old', status: 'stopped', config_index: 1 })], named: null }
const none: RequestFacts = { commands: [], hasConfig: false, services: [], named: null }

const refusals: [string, RuntimeAction, RuntimeControlBody, RequestFacts, string, number][] = [
  ['an unknown command', 'start', { workspaceCommandId: 'nope' }, facts, 'command_not_found', 404],
  ['an unknown command where nothing is configured', 'start', { workspaceCommandId: 'nope' }, none, 'command_not_found', 404],
  ['a name in place of an id', 'start', { workspaceCommandId: 'web' }, facts, 'command_not_found', 404],
  ['a runtime service of another workspace', 'stop', { runtimeServiceId: '0' }, facts, 'runtime_service_not_found', 404],
  ['an index beyond the services', 'start', { serviceIndex: 3 }, facts, 'service_index_out_of_range', 422],
  ['an index where nothing is configured', 'stop', { serviceIndex: 0 }, none, 'service_index_out_of_range', 422],
  ['starting a job', 'start', { workspaceCommandId: 'job:test' }, facts, 'wrong_action', 422],
  ['stopping a job', 'stop', { workspaceCommandId: 'job:test' }, facts, 'wrong_action', 422],
  ['running a service', 'run', { workspaceCommandId: 'service:web' }, facts, 'wrong_action', 422],
  ['running a service by its index', 'run', { serviceIndex: 0 }, facts, 'wrong_action', 422],
  ['running nothing', 'run', {}, facts, 'wrong_action', 422],
  ['starting without a config', 'start', {}, none, 'no_runtime_config', 422],
  ['restarting without a config', 'restart', {}, none, 'no_runtime_config', 422],
  ['starting all of none', 'start', {}, { ...facts, commands: commands.slice(1, 2) }, 'no_runtime_config', 422],
  ['starting a disabled service', 'start', { workspaceCommandId: 'service:off' }, facts, 'command_disabled', 422],
  ['starting what is not configured any more', 'start', { runtimeServiceId: 'gone' }, { ...facts, named: row({ service_name: 'gone' }) }, 'unprocessable', 422]
]
for (const [title, action, body, given, code, statusCode] of refusals) {
  t.test(`${title} is a ${statusCode} ${code}`, async t => {
    t.throws(() => decideRequest(action, body, given), { code, statusCode })
  })
}

const decisions: [string, RuntimeAction, RuntimeControlBody, RequestFacts, { start: string[], stop: string[], remember: number[] | null }][] = [
  ['start without a target starts all that are enabled', 'start', {}, facts, { start: ['web', 'api'], stop: [], remember: [0, 1] }],
  ['stop without a target stops all that run', 'stop', {}, facts, { start: [], stop: ['web-row'], remember: [0, 1, 2] }],
  ['stop works without a config', 'stop', {}, { ...none, services: [running] }, { start: [], stop: ['web-row'], remember: [] }],
  ['restart without a target does both', 'restart', {}, facts, { start: ['web', 'api'], stop: ['web-row'], remember: [0, 1] }],
  ['nulls are no target', 'stop', { workspaceCommandId: null, runtimeServiceId: null, serviceIndex: null }, facts, { start: [], stop: ['web-row'], remember: [0, 1, 2] }],
  ['an index names one', 'restart', { serviceIndex: 0 }, facts, { start: ['web'], stop: ['web-row'], remember: [0] }],
  ['a command names one', 'start', { workspaceCommandId: 'service:api' }, facts, { start: ['api'], stop: [], remember: [1] }],
  ['a disabled service can be stopped', 'stop', { workspaceCommandId: 'service:off' }, facts, { start: [], stop: [], remember: [2] }],
  ['what is wanted is left alone when only a runtime service was named', 'restart', { runtimeServiceId: 'web-row' }, { ...facts, named: running }, { start: ['web'], stop: ['web-row'], remember: null }],
  ['a runtime service that has ended is not stopped again', 'stop', { runtimeServiceId: 'x' }, { ...facts, named: row({ status: 'failed' }) }, { start: [], stop: [], remember: null }],
  ['a job is run and changes nothing that is wanted', 'run', { workspaceCommandId: 'job:test' }, facts, { start: ['test'], stop: [], remember: null }]
]
for (const [title, action, body, given, expected] of decisions) {
  t.test(title, async t => {
    const { start, stop, remember } = decideRequest(action, body, given)
    t.same({ start: start.map(({ definition }) => definition.name), stop: stop.map(({ id }) => id), remember }, expected)
  })
}

t.test('a running service is matched by its command, else its index, else by name, command and folder', async t => {
  const [web, , api] = commands
  if (web === undefined || api === undefined) throw new Error('no commands')
  const byId = row({ id: 'by-id', config_index: 7, definition: { commandId: 'service:web' } })
  const byIndex = row({ id: 'by-index', config_index: 0, definition: { commandId: 'service:other' } })
  const byName = row({ id: 'by-name', service_name: 'api', command: 'api', cwd: '/w/api' })
  const ids = (rows: ServiceRow[]) => rows.map(({ id }) => id)
  t.same(ids(servicesOfCommand(web, [byIndex, byId, byName])), ['by-id'])
  t.same(ids(servicesOfCommand(web, [byIndex, byName])), ['by-index'])
  t.same(ids(servicesOfCommand(api, [byIndex, byName])), ['by-name'])
  t.same(ids(servicesOfCommand(api, [{ ...byName, cwd: '/elsewhere' }])), [])
  t.same(ids(servicesOfCommand(web, [{ ...byId, status: 'stopped' }])), [])
})
