/** What is kept of a closed workspace's files: the list, and one file without restoring all. */
import { Type } from '@sinclair/typebox'
import { IdParams, LinkHeader } from '../openapi/schemas/common.ts'
import { Uuid, closed, maxPathLength } from '../openapi/schemas/kit.ts'
import { RescuedFileQuery, RescueQuery, WorkspaceRescue } from '../openapi/schemas/rescue.ts'
import { answer, bytes, problem, problems } from '../openapi/schemas/responses.ts'
import { linkNext } from './answers.ts'
import type { App } from './app.ts'

const tags = ['archive']

const FileParams = Type.Object({
  id: Uuid,
  '*': Type.String({ minLength: 1, maxLength: maxPathLength, description: 'The path as the list shows it.' })
}, closed)

const list = {
  operationId: 'getWorkspaceRescue',
  tags,
  summary: 'List what the rescue holds',
  description: 'Of the last archive: every file that was not committed, with its status and size; of a folder that is no repository everything in it. A workspace that was never archived has none; one that was restored still shows it.',
  params: IdParams,
  querystring: RescueQuery,
  response: {
    200: answer(WorkspaceRescue, 'The snapshot; `ref` is null when there is none.', { headers: { ...LinkHeader } }),
    409: problem(409, 'The files of the workspace are on another host.'),
    422: problem(422, 'The repository or archive that holds it can not be read.'),
    ...problems(404)
  }
}

const file = {
  operationId: 'getRescuedFile',
  tags,
  summary: 'Take one file out of the rescue',
  description: 'As it was on disk when the workspace was archived, or as it was staged; one that was not changed too. A symbolic link gives where it points; a file that a filter made (git LFS) what git stores of it. Needs the right to manage the workspace, since rescued files may hold secrets.',
  params: FileParams,
  querystring: RescuedFileQuery,
  response: {
    200: bytes('The content.', {
      ETag: { type: 'string', description: "git's id of the content, or its SHA-256." },
      'Berth-File-Mode': { type: 'string', description: '`100644`, `100755`, or `120000` for a symbolic link; of a folder that is no repository with all permissions, such as `100640`.' }
    }),
    409: problem(409, 'The files of the workspace are on another host.'),
    422: problem(422, 'It is a submodule or a folder, or the repository or archive that holds it can not be read.'),
    ...problems(404)
  }
}

export default async function (app: App): Promise<void> {
  app.get('/execution-workspaces/:id/rescue', { schema: list }, async (request, reply) => {
    const { rescue, nextCursor } = await app.rescueFiles.list(request.actor, request.params.id, request.query)
    linkNext(reply, request, nextCursor)
    return rescue
  })

  app.get('/execution-workspaces/:id/rescue/files/*', { schema: file, exposeHeadRoute: false }, async ({ actor, params, query }, reply) => {
    const { sha, mode, content } = await app.rescueFiles.open(actor, params.id, params['*'], query)
    // What was in a worktree may be anything: it is handed over as a file, never shown as a page of this service.
    return await reply.headers({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      etag: `"${sha}"`,
      'berth-file-mode': mode
    }).send(content)
  })
}
