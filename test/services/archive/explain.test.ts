/** What a workspace is explained with, from facts; and the same over HTTP on real ones. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { explain, type ExplainFacts } from '../../../services/archive/explain.ts'
import { nobody, person } from '../../fixtures/app.ts'
import { closeFacts, gitFacts, issueFacts, serviceFacts, workspaceId, type FactChanges } from '../../fixtures/close-facts.ts'
import { httpHouse } from '../../fixtures/http-workspaces.ts'
import { web } from '../../fixtures/runtime.ts'

const at = new Date('2026-01-10T12:00:00.000Z')
const later = new Date('2026-01-10T13:00:00.000Z')

interface Changes extends Partial<Omit<ExplainFacts, 'row' | 'close'>> { row?: Partial<ExplainFacts['row']>, close?: FactChanges }

function facts ({ row = {}, close = {}, ...rest }: Changes = {}): ExplainFacts {
  return {
    row: { id: workspaceId, status: 'active', opened_at: at, closed_at: null, cleanup_reason: null, last_used_at: at, ...row },
    close: closeFacts({ ...close, row: { status: row.status ?? 'active', ...close.row } }),
    leases: [],
    locks: [],
    operations: [],
    decision: null,
    rescueExpiry: null,
    ...rest
  }
}

const lease = { id: 'l', run_id: 'r', created_at: at, expires_at: later }

t.test('the summary says what it is and why', async t => {
  const table: [Changes, string | RegExp][] = [
    [{}, 'It is active since 2026-01-10T12:00:00.000Z: no run holds it, and nothing runs in it. It was last used at 2026-01-10T12:00:00.000Z. No rule archives it by itself.'],
    [{ leases: [lease], close: { services: [serviceFacts('web'), serviceFacts('old', 'stopped')] } }, /1 run holds it, and web runs in it/],
    [{ row: { status: 'in_review' }, decision: { rule: 'archive_idle', at: later, reason: 'Idle.' } }, /^It is in review since .* By rule it is archived at 2026-01-10T13/],
    [{ row: { status: 'archived', closed_at: later, cleanup_reason: 'A warning.' } }, 'It was archived at 2026-01-10T13:00:00.000Z. A warning.'],
    [{ row: { status: 'cleanup_failed', cleanup_reason: 'It is locked.' } }, /files are still there. It is locked\.$/],
    [{ row: { status: 'provision_failed', cleanup_reason: 'npm failed.' } }, 'It could not be made. npm failed.'],
    [{ row: { status: 'provisioning' } }, 'It is being made.'],
    [{ row: { status: 'archiving' } }, /a crash cut that off/],
    [{ row: { status: 'archiving' }, locks: [{ purpose: 'archiving', operation_id: 'o', acquired_at: at }] }, 'It is being archived or restored.']
  ]
  for (const [changes, expected] of table) t.match(explain(facts(changes)).summary, expected)
})

t.test('holders, what runs and what comes next are named with their times', async t => {
  const restarting = { ...serviceFacts('api', 'backing_off'), nextRestartAt: at.toISOString(), exitReason: 'It ended by itself with code 1.' }
  const idle = { ...serviceFacts('web'), lastUsedAt: at.toISOString(), stopPolicy: { type: 'idle_timeout', idleSeconds: 60 }, providerRef: '12', url: 'http://x/' }
  const untilRun = { ...serviceFacts('db'), stopPolicy: { type: 'on_run_finish' } }
  const told = explain(facts({
    leases: [lease],
    locks: [{ purpose: 'the job test', operation_id: 'o', acquired_at: at }],
    operations: [{ id: 'o', phase: 'workspace_provision', command: 'npm test', status: 'running', started_at: at }],
    close: { services: [restarting, idle, untilRun, serviceFacts('gone', 'failed')], linkedIssues: [issueFacts('todo'), issueFacts('done', 'T-2')], leaseRunIds: ['r'] },
    decision: { rule: 'cleanup_eligible_at', at: later, reason: 'Its date has come.' }
  }))
  t.match(told.heldBy.map(({ kind, description }) => [kind, description]), [['lease', /Run r/], ['lock', 'Under way: the job test.'], ['issue', /T-1 is todo/]])
  t.equal(told.heldBy.length, 3)
  t.match(told.running.map(({ name, description }) => [name, description]), [['api', /code 1/], ['web', 'It runs: process 12, at http://x/.'], ['db', null], ['npm test', null]])
  t.match(told.next, [
    { kind: 'service_restarts', at: '2026-01-10T12:00:00.000Z' },
    { kind: 'service_stops', at: '2026-01-10T12:01:00.000Z', description: 'web stops when it was idle for 60 s. It is kept for run r.' },
    { kind: 'lease_ends', id: 'l', at: '2026-01-10T13:00:00.000Z' },
    { kind: 'archive', at: '2026-01-10T13:00:00.000Z', description: /Its date has come\. It is kept as long as this holds: .*T-1.*Run r/ },
    { kind: 'service_stops', at: null, description: 'db stops with the last run. It is kept for run r.' }
  ])
  t.match(told.closing, { state: 'blocked', blockingReasons: [/T-1/, /Run r/] })
})

t.test('what closing deletes and keeps is said of each thing', async t => {
  const record = 'Its record, its operations and their logs.'
  const rescued = /staged, modified or untracked, under refs\/berth\/rescue/
  const table: [string, FactChanges, { deletes: (string | RegExp)[], keeps: (string | RegExp)[] }][] = [
    ['a merged worktree', { row: { branch_created_by_runtime: true }, git: gitFacts() }, { deletes: [/worktree at/, 'The branch feature, which is merged.'], keeps: [rescued, record] }],
    ['one not known to be merged', { row: { branch_created_by_runtime: true }, git: gitFacts({ isMergedIntoBase: null }) }, { deletes: [/worktree at/], keeps: [rescued, /not known to be merged/, record] }],
    ['one not merged', { row: { branch_created_by_runtime: true }, git: gitFacts({ isMergedIntoBase: false }) }, { deletes: [/worktree at/], keeps: [rescued, 'The branch feature, which is not merged.', record] }],
    ['a branch of somebody else', { row: { branch_created_by_runtime: false }, git: gitFacts() }, { deletes: [/worktree at/], keeps: [rescued, /was there before/, record] }],
    ['ignored files', { row: { branch_name: null }, git: gitFacts({ ignoredEntryCount: 3, ignoredEntries: ['.env', 'x.log'] }), keptIgnoredCount: 1 }, { deletes: [/worktree at/, /^2 ignored entries/], keeps: [rescued, record] }],
    ['a folder', { removal: { kind: 'folder', path: '/x' }, git: null }, { deletes: ['The folder /x.'], keeps: [/as an archive in the data dir/, record] }],
    ['one that is not removed', { removal: { kind: 'refuse', path: '/x', reason: 'it is locked' }, git: null }, { deletes: [], keeps: ['/x: it is locked.', record] }],
    ['services', { removal: { kind: 'none' }, git: null, stopping: [serviceFacts('web')], handedOver: [serviceFacts('db'), serviceFacts('api')] }, { deletes: ['The processes of web.'], keeps: ['db and api, since other workspaces use them too.', record] }],
    ['an archived one', { row: { status: 'archived' } }, { deletes: [], keeps: [] }]
  ]
  for (const [name, close, expected] of table) {
    const { deletes, keeps } = explain(facts({ close, row: { status: close.row?.status ?? 'active' } })).closing
    t.match({ deletes, keeps }, expected, name)
    t.same([deletes.length, keeps.length], [expected.deletes.length, expected.keeps.length], name)
  }
})

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`a real workspace is explained from opening to archive (${kind})`, async t => {
    const { call, create, companyId } = await httpHouse(t, { kind, config: { stopServicesOnExit: true }, policy: { cleanupPolicy: { archiveIdleAfterSec: 3600, retainRescueDays: 7 } } })
    const { body: made } = await create({ mode: 'isolated_workspace', config: { workspaceRuntime: { commands: [{ ...web, stopPolicy: { type: 'idle_timeout', idleSeconds: 60 } }] } } })
    const url = `/api/execution-workspaces/${made.id}`
    const runId = randomUUID()
    t.equal((await call('POST', `${url}/leases`, { runId })).status, 201)
    const { body } = await call('GET', `${url}/explain`)
    t.match(body, {
      workspaceId: made.id,
      status: 'active',
      summary: /1 run holds it, and web runs in it\. .* By rule it is archived at/,
      heldBy: [{ kind: 'lease' }],
      running: [{ kind: 'service', name: 'web', status: 'running', description: /process \d+, at http/ }],
      closing: { state: 'blocked', deletes: [/web/, /worktree at/, /which is merged/] }
    })
    t.same(body.next.map((step: { kind: string }) => step.kind), ['service_stops', ...body.next[1].kind === 'archive' ? ['archive', 'lease_ends'] : ['lease_ends', 'archive']])
    await call('DELETE', `/api/heartbeat-runs/${runId}/leases`)
    t.equal((await call('POST', `${url}/archive`)).body.workspace.status, 'archived')
    const closed = (await call('GET', `${url}/explain`)).body
    t.match(closed, { status: 'archived', summary: /^It was archived at/, heldBy: [], running: [], next: [{ kind: 'rescue_dropped' }], closing: { state: 'ready', deletes: [], keeps: [] } })
    t.equal((await call('GET', `${url}/explain`, undefined, { actor: nobody })).status, 401)
    t.equal((await call('GET', `${url}/explain`, undefined, { actor: person(randomUUID(), 'owner') })).status, 404)
    t.equal((await call('GET', `${url}/explain`, undefined, { actor: person(companyId, 'viewer') })).status, 200)
  })
}
