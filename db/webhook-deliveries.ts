/** Queries on webhook_deliveries: messages on their way to a receiver. */
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'

export type DeliveryRow = Row<'webhook_deliveries'>
export type DeliveryStatus = DeliveryRow['status']

const maxRowsAtOnce = 1_000

/** Leaves out what a webhook has of the same event already; returns what was made. */
export async function insertDeliveries (trx: Db, rows: readonly NewRow<'webhook_deliveries'>[]): Promise<DeliveryRow[]> {
  const made: DeliveryRow[] = []
  for (let first = 0; first < rows.length; first += maxRowsAtOnce) {
    made.push(...await trx.insertInto('webhook_deliveries').values(rows.slice(first, first + maxRowsAtOnce))
      .onConflict(conflict => conflict.columns(['webhook_id', 'event_id']).doNothing()).returningAll().execute())
  }
  return made
}

/** Of this webhook only; `lock` keeps it from others' changes until the transaction ends. */
export async function findDelivery (db: Db, { webhookId, id }: { webhookId: string, id: string }, lock = false): Promise<DeliveryRow | undefined> {
  return await db.selectFrom('webhook_deliveries').selectAll().where('webhook_id', '=', webhookId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listDeliveries (db: Db, webhookId: string, status: DeliveryStatus | undefined, { limit, after }: CreatedSlice): Promise<DeliveryRow[]> {
  const query = db.selectFrom('webhook_deliveries').selectAll().where('webhook_id', '=', webhookId).where(after === null ? everything : behind(after))
  return await (status === undefined ? query : query.where('status', '=', status))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** What one attempt needs to know; undefined when the delivery is not waiting for this turn any more. */
export async function findTurn (db: Db, { deliveryId, turn }: { deliveryId: string, turn: number }) {
  return await db.selectFrom('webhook_deliveries as d').innerJoin('webhooks as w', 'w.id', 'd.webhook_id')
    .select(['d.id', 'd.company_id', 'd.webhook_id', 'd.payload', 'd.turn', 'd.attempt_count', 'd.attempts',
      'w.url', 'w.enabled', 'w.secret', 'w.previous_secret', 'w.previous_secret_expires_at'])
    .where('d.id', '=', deliveryId).where('d.turn', '=', turn).where('d.status', '=', 'pending').executeTakeFirst()
}

export type DeliveryTurn = NonNullable<Awaited<ReturnType<typeof findTurn>>>

/** Changes a delivery that is waiting for this turn; false when it is not any more. */
export async function endTurn (trx: Db, { id, turn }: { id: string, turn: number }, patch: RowPatch<'webhook_deliveries'>): Promise<boolean> {
  const { numUpdatedRows } = await trx.updateTable('webhook_deliveries').set(patch)
    .where('id', '=', id).where('turn', '=', turn).where('status', '=', 'pending').executeTakeFirst()
  return numUpdatedRows === 1n
}

export async function updateDelivery (trx: Db, id: string, patch: RowPatch<'webhook_deliveries'>): Promise<DeliveryRow> {
  return await trx.updateTable('webhook_deliveries').set(patch).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

/** Removes deliveries that ended before this time, at most `limit`; returns how many. */
export async function deleteDeliveriesBefore (db: Db, before: Date, limit: number): Promise<number> {
  const old = db.selectFrom('webhook_deliveries').select('id').where('finished_at', '<', before).orderBy('finished_at').limit(limit)
  const { numDeletedRows } = await db.deleteFrom('webhook_deliveries').where('id', 'in', old).executeTakeFirst()
  return Number(numDeletedRows)
}
