import { randomUUID } from 'node:crypto'
import t from 'tap'
import { busy } from '../../../services/operations/lock-busy.ts'

const holder = { id: randomUUID(), purpose: 'archiving', operationId: randomUUID(), hostId: randomUUID(), since: new Date(0) }

t.test('the problem names what is held, by whom, for which operation and since when', async t => {
  const problem = busy('workspace:x', holder)
  t.match(problem, { statusCode: 409, code: 'workspace_busy', headers: { 'retry-after': '1' } })
  t.equal(problem.detail, `The workspace is busy: archiving (operation ${holder.operationId}), since 1970-01-01T00:00:00.000Z.`)
  t.same(problem.members, { operationId: holder.operationId, holder: { purpose: 'archiving', operationId: holder.operationId, hostId: holder.hostId, since: '1970-01-01T00:00:00.000Z' } })
})

t.test('each kind of resource has its words', async t => {
  for (const [resource, words] of [['project-workspace:x', 'The project workspace'], ['service:a:b', 'The service'], ['repository:/a', 'The repository'], ['run-lease:a:b', 'The lease of the run'], ['other:x', 'What this needs']] as const) {
    t.ok(busy(resource, holder).detail.startsWith(`${words} is busy`), resource)
  }
})

t.test('a holder without an operation, or one that has just gone, leaves the member out', async t => {
  t.notOk('operationId' in busy('workspace:x', { ...holder, operationId: null }).members)
  t.same(busy('workspace:x', undefined).members, {})
})
