/** Workspace operations: lists, one, its log, its log as it comes. */
import { Type } from '@sinclair/typebox'
import { streamExamples } from '../openapi/stream-examples.ts'
import { IdParams, PageQuery, RunParams } from '../openapi/schemas/common.ts'
import { LogPartQuery, LogStartQuery } from '../openapi/schemas/log.ts'
import { OperationLog, WorkspaceOperation } from '../openapi/schemas/operation.ts'
import { answer, eventStream, noContent, noSettings, page, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { sendPage } from './answers.ts'
import type { App } from './app.ts'

const tags = ['operations']

const listOfWorkspace = {
  operationId: 'listWorkspaceOperations',
  tags,
  summary: 'List what was done to a workspace',
  description: 'Newest first. Each is the durable record of one thing: provisioning, a job, a start, a clean-up step.',
  params: IdParams,
  querystring: PageQuery,
  response: { 200: page(WorkspaceOperation, 'A page of operations.'), ...problems(404) }
}

const listOfRun = {
  operationId: 'listRunOperations',
  tags,
  summary: 'List what was done for a run',
  description: 'Oldest first, over all workspaces; only those of companies you may see. A run nobody knows has none.',
  params: RunParams,
  querystring: PageQuery,
  response: { 200: page(WorkspaceOperation, 'A page of operations.') }
}

const getOne = {
  operationId: 'getWorkspaceOperation',
  tags,
  summary: 'Get an operation',
  description: 'While `status` is `running`, its log grows; the excerpts, byte count and SHA-256 come with the end.',
  params: IdParams,
  response: { 200: resource(WorkspaceOperation, 'The operation.'), ...problems(404) }
}

const cancel = {
  operationId: 'cancelWorkspaceOperation',
  tags,
  summary: 'Cancel an operation',
  description: 'Ends what is `running` or `queued`: a job, a start or restart, a command of provisioning, cleanup or teardown, the making of a worktree, an archive or a restore as long as nothing was removed. Its whole process tree is ended, first by its stop signal, after the grace time by SIGKILL; the log so far stays, and says who cancelled it. The answer comes with the end. One that was cancelled already is answered as it is.',
  params: IdParams,
  body: noSettings,
  response: {
    200: answer(WorkspaceOperation, 'The operation, which has ended as `cancelled`.'),
    202: answer(WorkspaceOperation, 'It was told to end, but takes its time: look again.', { headers: { Location: { type: 'string', description: 'The operation.' } } }),
    409: problem(409, 'It had ended otherwise before (`operation_ended`, with its `status`), or can not be cancelled safely (`not_cancellable`): a stop, an archive that removes files.'),
    ...problems(404)
  }
}

const getLog = {
  operationId: 'getWorkspaceOperationLog',
  tags,
  summary: 'Read the log of an operation',
  description: 'Whole NDJSON lines from `offset` on, also while the operation runs: ask again with `nextOffset` until it is null. A line longer than `limitBytes` is given whole. Secrets are masked.',
  params: IdParams,
  querystring: LogPartQuery,
  response: { 200: answer(OperationLog, 'A part of the log.'), ...problems(404) }
}

const streamLog = {
  operationId: 'streamWorkspaceOperationLog',
  tags,
  summary: 'Follow the log of an operation',
  description: 'Server-sent events, each with JSON: `log` brings whole lines as they come, `end` the operation when it has ended and all was sent; then the stream closes. Comments in between show that it lives. A slow reader holds nothing up. Come back with `Last-Event-ID` and every line is sent once.',
  params: IdParams,
  querystring: LogStartQuery,
  headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ pattern: '^([0-9]{1,15}|end)$', description: 'The id of the last event that was received; goes before the query.' })) }),
  response: {
    200: eventStream('The log, from its beginning unless told otherwise.', streamExamples.operationLog),
    204: noContent('The last event was the `end`: there is nothing more to come.'),
    ...problems(404)
  }
}

export default async function (app: App): Promise<void> {
  app.get('/execution-workspaces/:id/workspace-operations', { schema: listOfWorkspace }, async (request, reply) =>
    sendPage(reply, request, await app.operations.listOfWorkspace(request.actor, request.params.id, request.query)))

  app.get('/heartbeat-runs/:runId/workspace-operations', { schema: listOfRun }, async (request, reply) =>
    sendPage(reply, request, await app.operations.listOfRun(request.actor, request.params.runId, request.query)))

  app.get('/workspace-operations/:id', { schema: getOne }, async ({ actor, params }) =>
    await app.operations.get(actor, params.id))

  app.post('/workspace-operations/:id/cancel', { schema: cancel }, async ({ actor, params }, reply) => {
    const operation = await app.operations.cancel(actor, params.id)
    if (operation.finishedAt === null) reply.code(202).header('location', `/api/workspace-operations/${operation.id}`)
    return operation
  })

  app.get('/workspace-operations/:id/log', { schema: getLog }, async ({ actor, params, query }) =>
    await app.operations.readLog(actor, params.id, query))

  app.get('/workspace-operations/:id/log/stream', { schema: streamLog, sse: 'manual', exposeHeadRoute: false }, async ({ actor, params, query, headers }, reply) =>
    await app.eventStreams.send(reply, await app.operations.followLog(actor, params.id, query, headers['last-event-id'])))
}
