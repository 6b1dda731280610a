/** A company's webhooks. */
import { Type } from '@sinclair/typebox'
import { CompanyParams, PageQuery } from '../openapi/schemas/common.ts'
import { IfMatchField } from '../openapi/schemas/headers.ts'
import { body, created, noContent, page, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { CreateWebhookBody, UpdateWebhookBody, Webhook, WebhookDeliveryDetail, WebhookParams, WebhookWithSecret } from '../openapi/schemas/webhook.ts'
import { sendCreated, sendPage } from './answers.ts'
import type { App } from './app.ts'

const tags = ['webhooks']

const list = {
  operationId: 'listWebhooks',
  tags,
  summary: 'List webhooks',
  description: 'Newest first. Secrets are never shown.',
  params: CompanyParams,
  querystring: PageQuery,
  response: { 200: page(Webhook, 'A page of webhooks.'), ...problems(404) }
}

const create = {
  operationId: 'createWebhook',
  tags,
  summary: 'Create a webhook',
  description: 'What happens in the company from now on is sent to `url` as signed POST requests (https://www.standardwebhooks.com), each at least once and in no promised order. The answer shows the secret, and no other will: keep it. Only `https://` and public addresses, unless `BERTH_WEBHOOK_ALLOW_PRIVATE` is set. For admins of the company.',
  params: CompanyParams,
  body: body(CreateWebhookBody),
  response: {
    201: created(WebhookWithSecret, 'The new webhook and its secret.'),
    404: problem(404),
    422: problem(422, 'The URL is one nothing may be sent to.')
  }
}

const getOne = {
  operationId: 'getWebhook',
  tags,
  summary: 'Get a webhook',
  description: 'Without its secret.',
  params: WebhookParams,
  response: { 200: resource(Webhook, 'The webhook.'), ...problems(404) }
}

const update = {
  operationId: 'updateWebhook',
  tags,
  summary: 'Change a webhook',
  description: 'What is left out stays. Disabled, it gets nothing, and what was on its way is given up at its next turn; enabled again, it gets what happens from then on. With `If-Match` a change that would overwrite another one is a 412.',
  params: WebhookParams,
  headers: Type.Object(IfMatchField),
  body: body(UpdateWebhookBody),
  response: {
    200: resource(Webhook, 'The webhook as it is now.'),
    422: problem(422, 'The URL is one nothing may be sent to.'),
    ...problems(404, 412)
  }
}

const remove = {
  operationId: 'deleteWebhook',
  tags,
  summary: 'Delete a webhook',
  description: 'Its deliveries go with it; one that is being sent may still arrive.',
  params: WebhookParams,
  response: { 204: noContent('It is gone.'), ...problems(404) }
}

const rotate = {
  operationId: 'rotateWebhookSecret',
  tags,
  summary: 'Give a webhook a new secret',
  description: 'For a day messages are signed with both secrets, the new and the one until now, so that the receiver can change over without missing one. The answer shows the new secret, and no other will.',
  params: WebhookParams,
  response: { 200: resource(WebhookWithSecret, 'The webhook and its new secret.'), ...problems(404) }
}

const test = {
  operationId: 'testWebhook',
  tags,
  summary: 'Send a test message',
  description: 'Sends a message of type `webhook.ping`, whatever types the webhook wants. The answer is its delivery, which says a moment later how it went; a failure is tried again like any other.',
  params: WebhookParams,
  response: { 201: created(WebhookDeliveryDetail, 'The delivery, on its way.'), 409: problem(409, 'The webhook is disabled.'), ...problems(404) }
}

/** The ids of a path as the service takes them. */
export function webhookKey ({ companyId, webhookId }: { companyId: string, webhookId: string }) {
  return { companyId: companyId.toLowerCase(), id: webhookId.toLowerCase() }
}

export default async function (app: App): Promise<void> {
  const { webhooks } = app

  app.get('/companies/:companyId/webhooks', { schema: list }, async (request, reply) =>
    sendPage(reply, request, await webhooks.list(request.actor, request.params.companyId.toLowerCase(), request.query)))

  app.post('/companies/:companyId/webhooks', { schema: create }, async ({ actor, params, body, url }, reply) => {
    const webhook = await webhooks.create(actor, params.companyId.toLowerCase(), body)
    return sendCreated(reply, `${url}/${webhook.id}`, webhook)
  })

  app.get('/companies/:companyId/webhooks/:webhookId', { schema: getOne }, async ({ actor, params }) =>
    await webhooks.get(actor, webhookKey(params)))

  app.patch('/companies/:companyId/webhooks/:webhookId', { schema: update }, async ({ actor, params, body, headers }) =>
    await webhooks.update(actor, webhookKey(params), body, { ifMatch: headers['if-match'] }))

  app.delete('/companies/:companyId/webhooks/:webhookId', { schema: remove }, async ({ actor, params }, reply) => {
    await webhooks.delete(actor, webhookKey(params))
    return reply.code(204).send(null)
  })

  app.post('/companies/:companyId/webhooks/:webhookId/rotate-secret', { schema: rotate }, async ({ actor, params }) =>
    await webhooks.rotateSecret(actor, webhookKey(params)))

  app.post('/companies/:companyId/webhooks/:webhookId/test', { schema: test }, async ({ actor, params }, reply) => {
    const delivery = await webhooks.deliveries.test(actor, webhookKey(params))
    return sendCreated(reply, `/api/companies/${params.companyId}/webhooks/${params.webhookId}/deliveries/${delivery.id}`, delivery)
  })
}
