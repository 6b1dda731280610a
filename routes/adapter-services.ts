/** Adapter reports: services of a workspace that another system runs. */
import { AdapterServicesAnswer, AdapterServicesBody } from '../openapi/schemas/adapter-service.ts'
import { IdParams } from '../openapi/schemas/common.ts'
import { answer, body, problem, problems } from '../openapi/schemas/responses.ts'
import type { App } from './app.ts'

const report = {
  operationId: 'reportAdapterServices',
  tags: ['runtime'],
  summary: 'Report services that another system runs',
  description: 'Stores how they are now, as services of the workspace with the provider `adapter_managed`. The same service keeps its id: its own `id` if that is a UUID nothing else has, else one made from workspace, `adapterType` and its `id` (or scope and name). Each report is the whole truth about its service: what it leaves out takes its default, mostly from the workspace. Services it does not tell of stay as they are; report `status: stopped` when one has ended. Berth never signals such a service: stopping it, or archiving the workspace, only ends the record.',
  params: IdParams,
  body: body(AdapterServicesBody),
  response: {
    200: answer(AdapterServicesAnswer, 'The services as they are stored.'),
    409: problem(409, 'The workspace is archived, archiving or being provisioned.'),
    422: problem(422, 'Two reports are about one service.'),
    ...problems(404)
  }
}

export default async function (app: App): Promise<void> {
  app.put('/execution-workspaces/:id/adapter-services', { schema: report }, async ({ actor, params, body }) =>
    await app.adapterServices.report(actor, params.id, body))
}
