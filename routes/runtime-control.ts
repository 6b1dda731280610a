/** Runtime control: starting, stopping and restarting services, running jobs, in execution workspaces and project workspaces. */
import { Type } from '@sinclair/typebox'
import { PreferField } from '../openapi/schemas/headers.ts'
import { Uuid, closed } from '../openapi/schemas/kit.ts'
import { accepted, answer, body, problem } from '../openapi/schemas/responses.ts'
import { RuntimeControlBody } from '../openapi/schemas/runtime.ts'
import { ProjectWorkspaceOperationAnswer, WorkspaceOperationAnswer } from '../openapi/schemas/workspace.ts'
import type { App } from './app.ts'

const tags = ['runtime']

const Action = Type.String({ minLength: 1, maxLength: 50, description: '`start`, `stop`, `restart` or `run`, in any case; another is a 404.' })
const ExecutionParams = Type.Object({ id: Uuid, action: Action }, closed)
const ProjectParams = Type.Object({ projectId: Uuid, projectWorkspaceId: Uuid, action: Action }, closed)
const Headers = Type.Object(PreferField)

const description = 'Without a target, `start`, `stop` and `restart` act on all services. Name one by `workspaceCommandId`, `serviceIndex` or `runtimeServiceId`; `run` needs a job. Starting is idempotent: a shared service that runs already is answered as it is. The operation tells what happened; a job that exits with another code than 0 is a 200 with the operation `failed`.'

/** The schema of one path; the two families differ only in whose workspace they show. */
function schemaOf<P extends typeof ExecutionParams | typeof ProjectParams, A extends typeof WorkspaceOperationAnswer | typeof ProjectWorkspaceOperationAnswer> (operationId: string, summary: string, params: P, Answer: A) {
  return {
    operationId,
    tags,
    summary,
    description,
    params,
    headers: Headers,
    body: body(RuntimeControlBody, {}),
    response: {
      200: answer(Answer, 'The workspace and the operation, which has ended.'),
      202: accepted(Answer, 'With `Prefer`: the workspace as it is meanwhile, and the operation, which goes on.'),
      404: problem(404, 'No such workspace, command, service of this workspace, or action.'),
      409: problem(409, 'The workspace is archived, archiving or being provisioned, or something else is being done to it.'),
      422: problem(422, 'No local path, no runtime config, an index beyond the services, a command the action does not fit or that is disabled; or the service did not start: then `cause`, `lastLines` and `operationId` say why.'),
      507: problem(507)
    }
  }
}

export default async function (app: App): Promise<void> {
  // All of the body is optional, and so is the body.
  app.addHook('preValidation', async request => { request.body ??= {} })

  for (const family of ['services', 'commands'] as const) {
    const name = family === 'services' ? 'RuntimeServices' : 'RuntimeCommands'

    app.post(`/execution-workspaces/:id/runtime-${family}/:action`, {
      schema: schemaOf(`control${name}`, `Start, stop, restart or run ${family} of a workspace`, ExecutionParams, WorkspaceOperationAnswer)
    }, async (request, reply) => {
      const { actor, params, body } = request
      const target = { kind: 'execution' as const, id: params.id }
      return (await app.actions.run<WorkspaceOperationAnswer>(request, reply, async onBegun => await app.runtimeControl.control(actor, target, params.action, body, { onBegun }))).value
    })

    app.post(`/projects/:projectId/workspaces/:projectWorkspaceId/runtime-${family}/:action`, {
      schema: schemaOf(`controlProject${name}`, `Start, stop, restart or run ${family} of a project workspace`, ProjectParams, ProjectWorkspaceOperationAnswer)
    }, async (request, reply) => {
      const { actor, params, body } = request
      const target = { kind: 'project' as const, projectId: params.projectId, id: params.projectWorkspaceId }
      return (await app.actions.run<ProjectWorkspaceOperationAnswer>(request, reply, async onBegun => await app.runtimeControl.control(actor, target, params.action, body, { onBegun }))).value
    })
  }
}
