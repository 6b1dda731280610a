/** Makes deliveries of events: the cursor, the deliveries and their jobs move in one transaction, so none is lost and none made twice. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { listEventsAfter, type EventRow } from '../../db/company-events.ts'
import type { NewRow } from '../../db/tables.ts'
import { insertDeliveries } from '../../db/webhook-deliveries.ts'
import { dispatchStart, lockEnabledWebhooks, moveDispatch } from '../../db/webhooks.ts'
import { eventIdOf, toCompanyEvent, wantsType } from '../operations/company-event.ts'
import { eventMessage } from './message.ts'
import { schedule, type TurnQueue } from './queue.ts'

export interface Dispatched {
  /** Deliveries that were made. */
  made: number
  /** There are more events: at once, or when a transaction that began before them has ended. */
  more: 'none' | 'now' | 'soon'
}

/** Events looked at in one transaction. */
const pageSize = 200

const nothing: Dispatched = { made: 0, more: 'none' }

/** Looks through the next events. On several hosts at once one does the work; the others find nothing left to do. */
export async function dispatchEvents ({ db, now }: { db: Db, now: () => Date }, queue: TurnQueue): Promise<Dispatched> {
  const from = await dispatchStart(db)
  if (from === null) return nothing
  const { rows, held } = await listEventsAfter(db, { companyId: null, after: from.start, limit: pageSize })
  const last = rows.at(-1)
  const more = held ? 'soon' : 'none'
  if (last === undefined) return { made: 0, more }
  return await db.transaction().execute(async trx => {
    if (!await moveDispatch(trx, from.cursor, last)) return { made: 0, more: 'now' }
    const webhooks = (await lockEnabledWebhooks(trx)).map(webhook => ({ ...webhook, wants: wantsType(webhook.types?.join(',')) }))
    const deliveries = rows.flatMap(row => webhooks
      .filter(webhook => webhook.company_id === row.company_id && webhook.wants(row.type) && !hadHappened(webhook.from_snapshot, row.txid))
      .map(webhook => deliveryOf(row, webhook.id, now())))
    const made = await insertDeliveries(trx, deliveries)
    await schedule(queue, trx, made)
    return { made: made.length, more: rows.length === pageSize ? 'now' : more }
  })
}

/**
 * Whether a transaction had been committed when a snapshot was taken, exactly as `pg_visible_in_snapshot` tells.
 * @param snapshot `xmin:xmax:running`, with the ids of `running` separated by commas
 */
export function hadHappened (snapshot: string, txid: string): boolean {
  const [xmin = '0', xmax = '0', running = ''] = snapshot.split(':')
  const id = BigInt(txid)
  return id < BigInt(xmin) || (id < BigInt(xmax) && !running.split(',').includes(txid))
}

function deliveryOf (row: EventRow, webhookId: string, at: Date): NewRow<'webhook_deliveries'> {
  return {
    id: randomUUID(),
    company_id: row.company_id,
    webhook_id: webhookId,
    event_id: eventIdOf(row),
    event_type: row.type,
    payload: eventMessage(toCompanyEvent(row)),
    next_attempt_at: at,
    created_at: at,
    updated_at: at
  }
}
