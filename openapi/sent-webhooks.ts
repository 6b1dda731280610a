/** The document's `webhooks`: the requests that the service itself sends. */
import { webhookMessage } from './example-records.ts'
import { exampleIds } from './example-ids.ts'

const header = (name: string, description: string, example: string) =>
  ({ name, in: 'header', required: true, description, schema: { type: 'string' }, example })

/** Under the name of each message; a receiver answers as is said here. */
export const sentWebhooks = {
  companyEvent: {
    post: {
      operationId: 'receiveCompanyEvent',
      tags: ['webhooks'],
      summary: 'What a webhook is sent',
      description: 'Signed as https://www.standardwebhooks.com describes. Answer with a 2xx within 15 seconds; anything else is tried again for three days, with the same `webhook-id`. Redirects are not followed.',
      security: [],
      parameters: [
        header('webhook-id', 'Of the delivery, the same with every try: what was seen before can be dropped.', exampleIds.webhookDelivery),
        header('webhook-timestamp', 'Seconds since 1970 at which it was sent; refuse what is older than some minutes.', '1769860800'),
        header('webhook-signature', 'One or more signatures, separated by spaces: `v1,` and the HMAC-SHA256 in base64 of `webhook-id`, `webhook-timestamp` and the body, joined by dots.', 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
      ],
      requestBody: { required: true, content: { 'application/json': { schema: { $ref: '#/components/schemas/WebhookMessage' }, example: webhookMessage } } },
      responses: {
        204: { description: 'Taken.' },
        410: { description: 'Gone for good: the webhook is disabled.' }
      }
    }
  }
}
