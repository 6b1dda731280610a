/** Webhooks: where a company's events are sent, what is sent, and how each delivery goes. */
import { Type, type Static } from '@sinclair/typebox'
import { Activity } from './directory.ts'
import { OperationState } from './event.ts'
import { closed, Cursor, Limit, nullableInteger, nullableString, NullableTimestamp, ref, stringEnum, Timestamp, Uuid } from './kit.ts'

export const deliveryStatuses = ['pending', 'delivered', 'dead'] as const

export const WebhookParams = Type.Object({ companyId: Uuid, webhookId: Uuid }, closed)
export const DeliveryParams = Type.Object({ companyId: Uuid, webhookId: Uuid, deliveryId: Uuid }, closed)
export const DeliveriesQuery = Type.Object({
  limit: Limit,
  cursor: Cursor,
  status: Type.Optional(stringEnum(deliveryStatuses, { description: 'Only these; `dead` are those that were given up.' }))
}, closed)

const Url = Type.String({ minLength: 1, maxLength: 2048, description: 'Where events are sent: `https://`, a public address, no password in it. It is shown to whoever may read the company.' })
const Types = Type.Unsafe<string[] | null>({
  type: ['array', 'null'],
  minItems: 1,
  maxItems: 50,
  items: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,60}(\\.[a-z0-9_]{0,60})?$', maxLength: 130 },
  description: 'Only events of these types; one that ends with a dot is a prefix: `execution_workspace.`. Null for all of them.'
})
const Description = nullableString({ minLength: 1, maxLength: 500 })
const Enabled = Type.Boolean({ description: 'A disabled webhook gets nothing; enabled again, it gets what happens from then on.' })

const webhookFields = {
  id: Uuid,
  companyId: Uuid,
  url: Url,
  types: Types,
  description: Description,
  enabled: Enabled,
  disabledReason: nullableString({ description: 'Why the service itself disabled it: the receiver answered 410.' }),
  previousSecretExpiresAt: { ...NullableTimestamp, description: 'Until then the secret from before the last change signs too.' },
  version: Type.Integer(),
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const Webhook = Type.Object(webhookFields, { $id: 'Webhook', description: 'A subscription to what happens in a company.' })

export const WebhookWithSecret = Type.Object({
  ...webhookFields,
  secret: Type.String({ description: '`whsec_` and the key in base64, as libraries of standardwebhooks.com take it. It is never shown again.' })
}, { $id: 'WebhookWithSecret', description: 'A webhook and its new secret.' })

export const CreateWebhookBody = Type.Object({
  url: Url,
  types: Type.Optional(Types),
  description: Type.Optional(Description),
  enabled: Type.Optional({ ...Enabled, default: true })
}, { $id: 'CreateWebhookBody', ...closed })

export const UpdateWebhookBody = Type.Object({
  url: Type.Optional(Url),
  types: Type.Optional(Types),
  description: Type.Optional(Description),
  enabled: Type.Optional(Enabled)
}, { $id: 'UpdateWebhookBody', ...closed })

export const WebhookAttempt = Type.Object({
  at: Timestamp,
  durationMs: Type.Integer(),
  httpStatus: nullableInteger({ description: 'What the receiver answered; null when there was no answer.' }),
  error: nullableString({ description: 'Why it does not count as delivered.' }),
  response: nullableString({ description: 'The beginning of the answer.' })
}, { $id: 'WebhookAttempt', description: 'One try to deliver.' })

const deliveryFields = {
  id: Type.String({ ...Uuid, description: 'The `webhook-id` the receiver gets, the same with every try.' }),
  webhookId: Uuid,
  eventId: nullableString({ description: 'Of the company\'s event, as its stream gives it; null for a test.' }),
  type: Type.String(),
  status: stringEnum(deliveryStatuses, { description: '`pending` until it is delivered or given up.' }),
  attemptCount: Type.Integer({ description: 'Tries so far, since it was last sent by hand.' }),
  lastAttempt: Type.Unsafe<WebhookAttempt | null>({ anyOf: [ref(WebhookAttempt), { type: 'null' }] }),
  nextAttemptAt: NullableTimestamp,
  finishedAt: NullableTimestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const WebhookDelivery = Type.Object(deliveryFields, { $id: 'WebhookDelivery', description: 'A message on its way to a receiver.' })

export const WebhookDeliveryDetail = Type.Object({
  ...deliveryFields,
  attempts: Type.Array(ref(WebhookAttempt), { description: 'The last 20 tries, oldest first.' }),
  payload: Type.String({ description: 'The body exactly as it is signed and sent: JSON, a `WebhookMessage`.' })
}, { $id: 'WebhookDeliveryDetail', description: 'A delivery with its tries and what is sent.' })

export const WebhookMessage = Type.Object({
  id: Type.String({ description: 'Of the event, as the event stream gives it.' }),
  type: Type.String({ description: 'The type of the event, or `webhook.ping`.' }),
  timestamp: Timestamp,
  companyId: Uuid,
  entityType: Type.String(),
  entityId: Type.String(),
  data: Type.Unsafe<Activity | OperationState | Record<string, never>>({
    anyOf: [ref(Activity), ref(OperationState), { type: 'object', additionalProperties: false }],
    description: 'As the event stream gives it; empty for `webhook.ping`.'
  })
}, { $id: 'WebhookMessage', description: 'What a receiver is sent.' })

export type Webhook = Static<typeof Webhook>
export type WebhookWithSecret = Static<typeof WebhookWithSecret>
export type CreateWebhookBody = Static<typeof CreateWebhookBody>
export type UpdateWebhookBody = Static<typeof UpdateWebhookBody>
export type WebhookAttempt = Static<typeof WebhookAttempt>
export type WebhookDelivery = Static<typeof WebhookDelivery>
export type WebhookDeliveryDetail = Static<typeof WebhookDeliveryDetail>
export type WebhookMessage = Static<typeof WebhookMessage>
export type DeliveriesQuery = Static<typeof DeliveriesQuery>
