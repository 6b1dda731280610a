/** What a webhook is sent: the event as the event stream has it, in the members that https://www.standardwebhooks.com names. */
import type { WebhookMessage } from '../../openapi/schemas/webhook.ts'
import type { CompanyEvent } from '../../openapi/schemas/event.ts'

export const pingType = 'webhook.ping'

/** The message of a company's event, as it is signed and sent. */
export function eventMessage ({ id, type, companyId, entityType, entityId, data, createdAt }: CompanyEvent): string {
  return JSON.stringify({ id, type, timestamp: createdAt, companyId, entityType, entityId, data } satisfies WebhookMessage)
}

/** The message of a test, which is of no event. */
export function pingMessage ({ id, companyId, webhookId, at }: { id: string, companyId: string, webhookId: string, at: Date }): string {
  return JSON.stringify({ id, type: pingType, timestamp: at.toISOString(), companyId, entityType: 'webhook', entityId: webhookId, data: {} } satisfies WebhookMessage)
}
