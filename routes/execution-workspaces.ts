/** Execution workspaces: list, make, get, change, and what they can run. */
import { Type } from '@sinclair/typebox'
import { CompanyParams, IdParams, LinkHeader } from '../openapi/schemas/common.ts'
import { IfMatchField, PreferField } from '../openapi/schemas/headers.ts'
import { CloseQuery } from '../openapi/schemas/readiness.ts'
import { accepted, body, answer, created, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { CreateWorkspaceBody, ExecutionWorkspace, ListWorkspacesQuery, UpdateWorkspaceBody, WorkspaceSummary } from '../openapi/schemas/workspace.ts'
import { CommandDefinition } from '../openapi/schemas/workspace-config.ts'
import { sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'

const tags = ['workspaces']

const WorkspaceItems = Type.Unsafe<(ExecutionWorkspace | WorkspaceSummary)[]>({
  type: 'array',
  items: { anyOf: [{ $ref: `${ExecutionWorkspace.$id}#` }, { $ref: `${WorkspaceSummary.$id}#` }] }
})

const list = {
  operationId: 'listExecutionWorkspaces',
  tags,
  summary: 'List the workspaces of a company',
  description: 'The most recently used first. Filters are joined by "and"; `status` takes several, separated by commas. With `summary=true` each item has only id, name, mode and projectWorkspaceId.',
  params: CompanyParams,
  querystring: ListWorkspacesQuery,
  response: {
    200: answer(WorkspaceItems, 'A page of workspaces, in full or as summaries.', { headers: LinkHeader }),
    ...problems(404)
  }
}

const create = {
  operationId: 'createExecutionWorkspace',
  tags,
  summary: 'Make a workspace',
  description: 'Shared work happens in the project workspace itself; isolated work gets a git worktree on a branch of its own, copied files and the provision command. What can be seen to fail (a base that does not exist, a branch template that gives nothing) leaves nothing behind. A failure later on leaves a workspace in `provision_failed`; the problem names it (`workspaceId`) and the operation with the log (`operationId`).',
  params: CompanyParams,
  headers: Type.Object(PreferField),
  body: body(CreateWorkspaceBody),
  response: {
    201: created(ExecutionWorkspace, 'The new workspace, its files made.'),
    202: accepted(ExecutionWorkspace, 'With `Prefer`: the new workspace, which is `provisioning`, its id for good. The operation in `Location` ends when the workspace is `active`, or `provision_failed`. A workspace that needs no files made is a 201 all the same.'),
    409: problem(409, 'Another workspace has the worktree (`workspaceId` names it): archive that one, choose another branch, or say `reuse: true`.'),
    422: problem(422),
    507: problem(507),
    ...problems(404)
  }
}

const getOne = {
  operationId: 'getExecutionWorkspace',
  tags,
  summary: 'Get a workspace',
  description: 'With its config, its metadata and its current runtime services. A shared workspace without a runtime config of its own shows the services of its project workspace.',
  params: IdParams,
  response: { 200: resource(ExecutionWorkspace, 'The workspace.'), ...problems(404) }
}

const update = {
  operationId: 'updateExecutionWorkspace',
  tags,
  summary: 'Change a workspace',
  description: 'What is left out stays. In `config` too: null clears a field, `config: null` all of them; other metadata survives. Setting `status` to `archived` archives (409 with `closeReadiness` when blocked), leaving `archived` restores. With `If-Match` a change that would overwrite another one is a 412; what its services do meanwhile is no such change.',
  params: IdParams,
  querystring: CloseQuery,
  headers: Type.Object({ ...PreferField, ...IfMatchField }),
  body: body(UpdateWorkspaceBody),
  response: {
    200: resource(ExecutionWorkspace, 'The workspace as it is now.'),
    202: accepted(ExecutionWorkspace, 'With `Prefer`, where the change archives or restores: the workspace, which is `archiving`, its other fields changed already.'),
    409: problem(409, 'Closing is blocked (`closeReadiness` says why), or the workspace is being made or archived.'),
    ...problems(404, 412, 422, 507)
  }
}

const listCommands = {
  operationId: 'listWorkspaceCommands',
  tags,
  summary: 'List what a workspace can run',
  description: "The services and jobs of the effective runtime config: the workspace's own, else the project workspace's, else the project policy's. `id` is what runtime control takes as `workspaceCommandId`.",
  params: IdParams,
  response: { 200: answer(Type.Array(Type.Unsafe<CommandDefinition>({ $ref: `${CommandDefinition.$id}#` })), 'The commands, in their order.'), ...problems(404) }
}

export default async function (app: App): Promise<void> {
  app.get('/companies/:companyId/execution-workspaces', { schema: list }, async (request, reply) => {
    // The schema's serialiser would validate each item twice to tell full ones from summaries; they are built field by field anyway.
    reply.type('application/json; charset=utf-8').serializer(JSON.stringify)
    return sendPage(reply, request, await app.workspaces.list(request.actor, request.params.companyId, request.query))
  })

  app.post('/companies/:companyId/execution-workspaces', { schema: create }, async (request, reply) => {
    const { actor, params, body } = request
    const { value, hasEnded } = await app.actions.run<ExecutionWorkspace>(request, reply, async onBegun => await app.workspaces.create(actor, params.companyId, body, { onBegun }))
    return hasEnded ? sendCreated(reply, `/api/execution-workspaces/${value.id}`, value) : value
  })

  app.get('/execution-workspaces/:id', { schema: getOne }, async ({ actor, params }) =>
    await app.workspaces.get(actor, params.id))

  app.patch('/execution-workspaces/:id', { schema: update }, async (request, reply) => {
    const { actor, params, query, body, headers } = request
    const options = { ...query, ifMatch: headers['if-match'] }
    return (await app.actions.run<ExecutionWorkspace>(request, reply, async onBegun => await app.workspaces.update(actor, params.id, body, { ...options, onBegun }))).value
  })

  app.get('/execution-workspaces/:id/commands', { schema: listCommands }, async ({ actor, params }) =>
    await app.workspaces.commands(actor, params.id))
}
