/** Closing a workspace: whether it is safe, doing it, and undoing it. */
import { Type } from '@sinclair/typebox'
import { IdParams } from '../openapi/schemas/common.ts'
import { WorkspaceExplanation } from '../openapi/schemas/explain.ts'
import { PreferField } from '../openapi/schemas/headers.ts'
import { CloseQuery, CloseReadiness } from '../openapi/schemas/readiness.ts'
import { RestoreBody } from '../openapi/schemas/rescue.ts'
import { accepted, answer, body, noSettings, problem, problems } from '../openapi/schemas/responses.ts'
import { WorkspaceOperationAnswer } from '../openapi/schemas/workspace.ts'
import type { App } from './app.ts'

const tags = ['archive']

const Headers = Type.Object(PreferField)

const closeReadiness = {
  operationId: 'getCloseReadiness',
  tags,
  summary: 'Ask whether closing a workspace is safe',
  description: 'What blocks it, what to know before, and every step it would take in order. Nothing is changed. What git can not tell is a warning, and is never deleted.',
  params: IdParams,
  response: { 200: answer(CloseReadiness, 'The close readiness.'), ...problems(404) }
}

const explanation = {
  operationId: 'explainExecutionWorkspace',
  tags,
  summary: 'Ask why a workspace is as it is',
  description: 'In words and data: who holds it, what runs in it and since when, which rule will stop or archive something and when, and what archiving it now would delete and keep. Nothing is changed.',
  params: IdParams,
  response: { 200: answer(WorkspaceExplanation, 'The explanation.'), ...problems(404) }
}

const archive = {
  operationId: 'archiveExecutionWorkspace',
  tags,
  summary: 'Archive a workspace',
  description: 'Stops its services, stores everything that is not committed as a rescue snapshot, runs the cleanup and teardown commands, removes the worktree, and deletes its branch if that is merged into the recorded base. While a lease is live or a job runs it is refused with their names; `force=true` ends those first, which is recorded. If the files can not be removed without loss they stay, and the status is `cleanup_failed` with the reason; ask again to go on. One that is archived already answers with how it was.',
  params: IdParams,
  querystring: CloseQuery,
  headers: Headers,
  body: noSettings,
  response: {
    200: answer(WorkspaceOperationAnswer, 'The workspace as it is now, and the operation that sums up. Each step has an operation of its own.'),
    202: accepted(WorkspaceOperationAnswer, 'With `Prefer`: the workspace, which is `archiving`, and the operation that sums up; it ends when everything has.'),
    409: problem(409, 'Closing is blocked (`closeReadiness` says why), or something else is being done to the workspace.'),
    ...problems(404)
  }
}

const restore = {
  operationId: 'restoreExecutionWorkspace',
  tags,
  summary: 'Restore an archived workspace',
  description: 'Worktree and branch come back at their place, files staged, modified and untracked as they were, and the workspace is `active` (`archiving` while it is under way). A branch that points elsewhere by now or is checked out elsewhere is left alone: the worktree is on a new branch then, which `metadata.restoredBranch` of the operation and a warning name. A folder that is no repository comes back from its archive. Ignored files other than the rescued ones are gone; the provision command makes them again before the next start.',
  params: IdParams,
  headers: Headers,
  body: body(RestoreBody, {}),
  response: {
    200: answer(WorkspaceOperationAnswer, 'The workspace as it is now, and the operation of the restore.'),
    202: accepted(WorkspaceOperationAnswer, 'With `Prefer`: the workspace, which is `archiving`, and the operation of the restore, which goes on.'),
    409: problem(409, 'It is not archived, another workspace has its folder by now, or something else is being done to it.'),
    422: problem(422, 'Its files can not be brought back; it stays archived, and its snapshot stays where it is.'),
    507: problem(507),
    ...problems(404)
  }
}

export default async function (app: App): Promise<void> {
  // All of a body is optional here, and so is the body.
  app.addHook('preValidation', async request => { request.body ??= {} })

  app.get('/execution-workspaces/:id/close-readiness', { schema: closeReadiness }, async ({ actor, params }) =>
    await app.archival.closeReadiness(actor, params.id))

  app.get('/execution-workspaces/:id/explain', { schema: explanation }, async ({ actor, params }) =>
    await app.archival.explain(actor, params.id))

  app.post('/execution-workspaces/:id/archive', { schema: archive }, async (request, reply) => {
    const { actor, params, query } = request
    return (await app.actions.run<WorkspaceOperationAnswer>(request, reply, async onBegun => await app.archival.archive(actor, params.id, { ...query, onBegun }))).value
  })

  app.post('/execution-workspaces/:id/restore', { schema: restore }, async (request, reply) => {
    const { actor, params, body: { startServices } } = request
    return (await app.actions.run<WorkspaceOperationAnswer>(request, reply, async onBegun => await app.archival.restore(actor, params.id, { startServices, onBegun }))).value
  })
}
