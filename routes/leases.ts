/** Run leases: taking, renewing, listing, and releasing those of a run. */
import { IdParams, PageQuery, RunParams } from '../openapi/schemas/common.ts'
import { AcquireLeaseBody, LeaseAnswer, LeaseRelease, RenewLeaseBody, RunLease } from '../openapi/schemas/lease.ts'
import { answer, body, created, page, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'

const tags = ['runtime']

const acquire = {
  operationId: 'acquireLease',
  tags,
  summary: 'Hold a workspace for a run',
  description: 'Starts the configured services for the run, or reuses those that run, and holds them: while the lease is live, neither an idle stop nor an archive takes them away. A run has one lease on a workspace, so asking again renews it (200) and starts what is missing. A workspace without a runtime config or a local path is held all the same, with nothing started. If a service does not start, the answer is its problem, and a lease that was new is given back. `agentId` (of an agent that asks: its own) and `issueId` are what the services are told; they are kept as given.',
  params: IdParams,
  body: body(AcquireLeaseBody),
  response: {
    200: resource(LeaseAnswer, 'The run had a lease: it is renewed.'),
    201: created(LeaseAnswer, 'The new lease.'),
    409: problem(409, 'The workspace is archived, archiving or being provisioned, or something else is being done to it; or the run was released meanwhile.'),
    422: problem(422, 'A service did not start: `cause`, `lastLines` and `operationId` say why; or the runtime config can not work, or the files are on another host.'),
    507: problem(507, 'The disk is nearly full: no services are started.'),
    ...problems(404)
  }
}

const renew = {
  operationId: 'renewLease',
  tags,
  summary: 'Renew the lease of a run',
  description: 'The lease ends `ttlSec` from now, be that later or sooner than before. Nothing is started; to have what has ended started again, take the lease once more.',
  params: IdParams,
  body: body(RenewLeaseBody),
  response: {
    200: resource(RunLease, 'The lease as it is now.'),
    404: problem(404, 'No such workspace, or the run has no live lease on it: it was released, or its time is up.')
  }
}

const list = {
  operationId: 'listLeases',
  tags,
  summary: 'List who holds a workspace',
  description: 'The live leases, the newest first.',
  params: IdParams,
  querystring: PageQuery,
  response: { 200: page(RunLease, 'A page of leases.'), ...problems(404) }
}

const release = {
  operationId: 'releaseRunLeases',
  tags,
  summary: 'Release what a run holds',
  description: 'Releases every lease of the run that you may see, on all workspaces. Services of the run itself (`ephemeral` ones, and those of scope `run`) stop; those with the stop policy `on_run_finish` stop when no other run holds a workspace that uses them; for `idle_timeout` the time begins to count. Safe to repeat: when nothing is left, nothing is released. An agent may always release leases that are its own.',
  params: RunParams,
  response: {
    200: answer(LeaseRelease, 'What was released and stopped.'),
    409: problem(409, 'Something else is being done to a service; the leases are released, and stopping is tried again.'),
    422: problem(422, 'Something could not be stopped (`proof` tells what survived); the leases are released, and stopping is tried again.')
  }
}

export default async function (app: App): Promise<void> {
  app.post('/execution-workspaces/:id/leases', { schema: acquire }, async ({ actor, params, body }, reply) => {
    const { answer, isNew } = await app.leases.acquire(actor, params.id, body)
    return isNew ? sendCreated(reply, `/api/execution-workspaces/${answer.executionWorkspaceId}/leases`, answer) : answer
  })

  app.put('/execution-workspaces/:id/leases', { schema: renew }, async ({ actor, params, body }) =>
    await app.leases.renew(actor, params.id, body))

  app.get('/execution-workspaces/:id/leases', { schema: list }, async (request, reply) =>
    sendPage(reply, request, await app.leases.list(request.actor, request.params.id, request.query)))

  app.delete('/heartbeat-runs/:runId/leases', { schema: release }, async ({ actor, params }) =>
    await app.leases.releaseOfRun(actor, params.runId))
}
