/** Deliveries of a webhook: looked at, sent again, and made for a test. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { findDelivery, insertDeliveries, listDeliveries, updateDelivery, type DeliveryRow } from '../../db/webhook-deliveries.ts'
import { findWebhook, type WebhookRow } from '../../db/webhooks.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { DeliveriesQuery, WebhookDelivery, WebhookDeliveryDetail } from '../../openapi/schemas/webhook.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireCompany } from '../access/company-access.ts'
import { readPage } from '../directory/created-pages.ts'
import { Conflict } from '../errors.ts'
import { recordActivity } from '../operations/activity.ts'
import type { WebhookEngine } from './engine.ts'
import { pingMessage, pingType } from './message.ts'
import { schedule } from './queue.ts'
import { toDelivery, toDeliveryDetail } from './shape.ts'
import type { WebhookKey } from './webhooks.ts'

export interface DeliveryKey { companyId: string, webhookId: string, id: string }

/** Reads are for whoever may read the company, sending for its admins (403). All throw NotFound. */
export interface Deliveries {
  list (actor: Actor, key: WebhookKey, query: { [K in keyof DeliveriesQuery]: DeliveriesQuery[K] | undefined }): Promise<Page<WebhookDelivery>>
  get (actor: Actor, key: DeliveryKey): Promise<WebhookDeliveryDetail>
  /** Sends it at once, with all its tries before it, whatever became of it. Throws Conflict when the webhook is disabled. */
  redeliver (actor: Actor, key: DeliveryKey): Promise<WebhookDeliveryDetail>
  /** Sends a message of type `webhook.ping`. Throws Conflict when the webhook is disabled. */
  test (actor: Actor, key: WebhookKey): Promise<WebhookDeliveryDetail>
}

export function createDeliveries ({ db, now, engine }: { db: Db, now: () => Date, engine: WebhookEngine }): Deliveries {
  async function readable (actor: Actor, key: WebhookKey): Promise<void> {
    requireCompany(actor, key.companyId, 'read')
    if (await findWebhook(db, key) === undefined) throw absent()
  }

  /** Makes or changes a delivery of an enabled webhook, and schedules its turn with it. */
  async function sendNow (actor: Actor, key: WebhookKey, work: (trx: Db, webhook: WebhookRow, at: Date) => Promise<{ row: DeliveryRow, action: string }>): Promise<WebhookDeliveryDetail> {
    requireCompany(actor, key.companyId, 'admin')
    const queue = await engine.start()
    const row = await db.transaction().execute(async trx => {
      const webhook = await findWebhook(trx, key, true)
      if (webhook === undefined) throw absent()
      if (!webhook.enabled) throw new Conflict('The webhook is disabled; enable it first.')
      const { row, action } = await work(trx, webhook, now())
      await schedule(queue, trx, [row])
      await recordActivity(trx, { companyId: webhook.company_id, actor, action, entityType: 'webhook', entityId: webhook.id, details: { deliveryId: row.id } })
      return row
    })
    engine.wake()
    return toDeliveryDetail(row)
  }

  return {
    async list (actor, key, { status, ...page }) {
      await readable(actor, key)
      return await readPage(page, slice => listDeliveries(db, key.id, status, slice), toDelivery)
    },
    async get (actor, { companyId, webhookId, id }) {
      await readable(actor, { companyId, id: webhookId })
      const row = await findDelivery(db, { webhookId, id })
      if (row === undefined) throw absent()
      return toDeliveryDetail(row)
    },
    async redeliver (actor, { companyId, webhookId, id }) {
      return await sendNow(actor, { companyId, id: webhookId }, async (trx, _webhook, at) => {
        const found = await findDelivery(trx, { webhookId, id }, true)
        if (found === undefined) throw absent()
        const row = await updateDelivery(trx, id, { status: 'pending', turn: found.turn + 1, attempt_count: 0, next_attempt_at: at, finished_at: null, updated_at: at })
        return { row, action: 'webhook.redelivered' }
      })
    },
    async test (actor, key) {
      return await sendNow(actor, key, async (trx, webhook, at) => {
        const id = randomUUID()
        const payload = pingMessage({ id, companyId: webhook.company_id, webhookId: webhook.id, at })
        const [row] = await insertDeliveries(trx, [{ id, company_id: webhook.company_id, webhook_id: webhook.id, event_type: pingType, payload, next_attempt_at: at, created_at: at, updated_at: at }])
        if (row === undefined) throw new Error('a delivery without an event is always new')
        return { row, action: 'webhook.tested' }
      })
    }
  }
}
