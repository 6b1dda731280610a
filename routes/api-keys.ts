/** The API keys of a company. */
import { ApiKey, ApiKeyParams, ApiKeyWithSecret, CreateApiKeyBody } from '../openapi/schemas/api-key.ts'
import { CompanyParams, PageQuery } from '../openapi/schemas/common.ts'
import { body, created, noContent, page, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'

const tags = ['keys']

const list = {
  operationId: 'listApiKeys',
  tags,
  summary: 'List API keys',
  description: 'Newest first, those that were revoked or have expired too. Of the keys themselves only the beginning is shown. For admins of the company.',
  params: CompanyParams,
  querystring: PageQuery,
  response: { 200: page(ApiKey, 'A page of keys.'), ...problems(404) }
}

const create = {
  operationId: 'createApiKey',
  tags,
  summary: 'Create an API key',
  description: 'For an agent of the company, or for a person with a role in it that is not above your own. The answer shows the key, and no other will: keep it. When the answer is given again for an `Idempotency-Key`, `key` is null. For admins of the company.',
  params: CompanyParams,
  body: body(CreateApiKeyBody),
  response: {
    201: created(ApiKeyWithSecret, 'The new key.'),
    404: problem(404),
    422: problem(422, 'There is no such agent, it was terminated, or the key would have ended already.')
  }
}

const getOne = {
  operationId: 'getApiKey',
  tags,
  summary: 'Get an API key',
  description: 'Without the key itself. For admins of the company.',
  params: ApiKeyParams,
  response: { 200: resource(ApiKey, 'The key.'), ...problems(404) }
}

const revoke = {
  operationId: 'revokeApiKey',
  tags,
  summary: 'Revoke an API key',
  description: 'From now on it is refused on every host, and streams that were opened with it end. It stays in the list. For admins of the company.',
  params: ApiKeyParams,
  response: { 204: noContent('It is refused from now on.'), ...problems(404) }
}

function pathOf ({ companyId, keyId }: { companyId: string, keyId: string }) {
  return { companyId: companyId.toLowerCase(), id: keyId.toLowerCase() }
}

export default async function (app: App): Promise<void> {
  const { apiKeys } = app

  app.get('/companies/:companyId/keys', { schema: list }, async (request, reply) =>
    sendPage(reply, request, await apiKeys.list(request.actor, request.params.companyId.toLowerCase(), request.query)))

  app.post('/companies/:companyId/keys', { schema: create, config: { shownOnce: 'key' } }, async ({ actor, params, body, url }, reply) => {
    const key = await apiKeys.create(actor, params.companyId.toLowerCase(), body)
    // Its answer is for this one client: no cache may keep it.
    reply.header('cache-control', 'no-store')
    return sendCreated(reply, `${url}/${key.id}`, key)
  })

  app.get('/companies/:companyId/keys/:keyId', { schema: getOne }, async ({ actor, params }) =>
    await apiKeys.get(actor, pathOf(params)))

  app.delete('/companies/:companyId/keys/:keyId', { schema: revoke }, async ({ actor, params }, reply) => {
    await apiKeys.revoke(actor, pathOf(params))
    return reply.code(204).send(null)
  })
}
