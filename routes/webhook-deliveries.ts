/** Deliveries of a webhook: how they went, and sending one again. */
import { answer, page, problem, problems, resource } from '../openapi/schemas/responses.ts'
import { DeliveriesQuery, DeliveryParams, WebhookDelivery, WebhookDeliveryDetail, WebhookParams } from '../openapi/schemas/webhook.ts'
import { sendPage } from './answers.ts'
import type { App } from './app.ts'
import { webhookKey } from './webhooks.ts'

const tags = ['webhooks']

const list = {
  operationId: 'listWebhookDeliveries',
  tags,
  summary: 'List deliveries',
  description: 'Newest first, kept for 30 days after they ended. `status=dead` lists those that were given up after their last try.',
  params: WebhookParams,
  querystring: DeliveriesQuery,
  response: { 200: page(WebhookDelivery, 'A page of deliveries.'), ...problems(404) }
}

const getOne = {
  operationId: 'getWebhookDelivery',
  tags,
  summary: 'Get a delivery',
  description: 'With each try and with what is sent.',
  params: DeliveryParams,
  response: { 200: resource(WebhookDeliveryDetail, 'The delivery.'), ...problems(404) }
}

const redeliver = {
  operationId: 'redeliverWebhookDelivery',
  tags,
  summary: 'Send a delivery again',
  description: 'At once, with all its tries before it, whether it was delivered, given up or waiting for its next try. The `webhook-id` stays the same.',
  params: DeliveryParams,
  response: { 202: answer(WebhookDeliveryDetail, 'The delivery, on its way again.'), 409: problem(409, 'The webhook is disabled.'), ...problems(404) }
}

const base = '/companies/:companyId/webhooks/:webhookId/deliveries'

function deliveryKey ({ companyId, webhookId, deliveryId }: { companyId: string, webhookId: string, deliveryId: string }) {
  return { companyId: companyId.toLowerCase(), webhookId: webhookId.toLowerCase(), id: deliveryId.toLowerCase() }
}

export default async function (app: App): Promise<void> {
  const { deliveries } = app.webhooks

  app.get(base, { schema: list }, async (request, reply) =>
    sendPage(reply, request, await deliveries.list(request.actor, webhookKey(request.params), request.query)))

  app.get(`${base}/:deliveryId`, { schema: getOne }, async ({ actor, params }) =>
    await deliveries.get(actor, deliveryKey(params)))

  app.post(`${base}/:deliveryId/redeliver`, { schema: redeliver }, async ({ actor, params }, reply) => {
    const delivery = await deliveries.redeliver(actor, deliveryKey(params))
    return reply.code(202).send(delivery)
  })
}
