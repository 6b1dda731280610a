/** Webhooks and deliveries as the API shows them; never a secret. */
import type { DeliveryRow } from '../../db/webhook-deliveries.ts'
import type { WebhookRow } from '../../db/webhooks.ts'
import type { Webhook, WebhookDelivery, WebhookDeliveryDetail } from '../../openapi/schemas/webhook.ts'

export function toWebhook (row: WebhookRow): Webhook {
  return {
    id: row.id,
    companyId: row.company_id,
    url: row.url,
    types: row.types,
    description: row.description,
    enabled: row.enabled,
    disabledReason: row.disabled_reason,
    previousSecretExpiresAt: row.previous_secret_expires_at?.toISOString() ?? null,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}

export function toDelivery (row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    type: row.event_type,
    status: row.status,
    attemptCount: row.attempt_count,
    lastAttempt: row.attempts.at(-1) ?? null,
    nextAttemptAt: row.next_attempt_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString()
  }
}

export function toDeliveryDetail (row: DeliveryRow): WebhookDeliveryDetail {
  return { ...toDelivery(row), attempts: row.attempts, payload: row.payload }
}
