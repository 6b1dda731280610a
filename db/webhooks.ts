/** Queries on webhooks: the subscriptions of companies. */
import { sql, type Selectable } from 'kysely'
import type { Db } from './client.ts'
import { behind, everything, type CreatedSlice } from './created-page.ts'
import type { EventCursor } from './company-events.ts'
import type { NewRow, Row, RowPatch } from './tables.ts'
import type { WebhookDispatchTable } from './tables/webhooks.ts'

export type WebhookRow = Row<'webhooks'>

/** Nothing older is still to be committed: where to begin to look. */
const fromNow = sql<string>`pg_snapshot_xmin(pg_current_snapshot())`

export async function insertWebhook (db: Db, row: Omit<NewRow<'webhooks'>, 'from_txid'>): Promise<WebhookRow> {
  return await db.insertInto('webhooks').values({ ...row, from_txid: fromNow }).returningAll().executeTakeFirstOrThrow()
}

/** Of this company only; `lock` keeps it from others' changes until the transaction ends. */
export async function findWebhook (db: Db, { companyId, id }: { companyId: string, id: string }, lock = false): Promise<WebhookRow | undefined> {
  return await db.selectFrom('webhooks').selectAll().where('company_id', '=', companyId).where('id', '=', id)
    .$if(lock, query => query.forNoKeyUpdate()).executeTakeFirst()
}

/** Newest first. */
export async function listWebhooks (db: Db, companyId: string, { limit, after }: CreatedSlice): Promise<WebhookRow[]> {
  return await db.selectFrom('webhooks').selectAll().where('company_id', '=', companyId)
    .where(after === null ? everything : behind(after))
    .orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** Counts its version; `restart` lets it begin with the events of now. */
export async function updateWebhook (db: Db, id: string, patch: RowPatch<'webhooks'>, { restart = false } = {}): Promise<WebhookRow> {
  return await db.updateTable('webhooks')
    .set({ ...patch, version: sql<number>`version + 1`, ...(restart ? { from_txid: fromNow, from_snapshot: sql<string>`pg_current_snapshot()` } : {}) })
    .where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteWebhook (db: Db, id: string): Promise<void> {
  await db.deleteFrom('webhooks').where('id', '=', id).execute()
}

/** Whether this instance has any, of whichever company. */
export async function anyWebhook (db: Db): Promise<boolean> {
  return await db.selectFrom('webhooks').select('id').limit(1).executeTakeFirst() !== undefined
}

/** The enabled ones, kept from being changed or deleted until the transaction ends. */
export async function lockEnabledWebhooks (trx: Db): Promise<Pick<WebhookRow, 'id' | 'company_id' | 'types' | 'from_snapshot'>[]> {
  return await trx.selectFrom('webhooks').select(['id', 'company_id', 'types', 'from_snapshot']).where('enabled', '=', true).orderBy('id').forKeyShare().execute()
}

/** How far the events have been looked through, or where the first enabled subscription begins if that is later; null when there is none. */
export async function dispatchStart (db: Db): Promise<{ cursor: EventCursor, start: EventCursor } | null> {
  const { rows: [found] } = await sql<Selectable<WebhookDispatchTable> & { first: string | null }>`
    select txid, seq, (select min(from_txid) from webhooks where enabled) as first from webhook_dispatch`.execute(db)
  if (found === undefined || found.first === null) return null
  const cursor = { txid: found.txid, seq: found.seq }
  return { cursor, start: BigInt(found.first) > BigInt(cursor.txid) ? { txid: found.first, seq: '0' } : cursor }
}

/** Moves the cursor on; false when somebody else has moved it since it was read. Of several at once one does, the others wait for its end. */
export async function moveDispatch (trx: Db, from: EventCursor, to: EventCursor): Promise<boolean> {
  const { numUpdatedRows } = await trx.updateTable('webhook_dispatch').set({ txid: to.txid, seq: to.seq })
    .where('txid', '=', from.txid).where('seq', '=', from.seq).executeTakeFirst()
  return numUpdatedRows === 1n
}

/**
 * After a dump was restored into another server, whose transactions count anew, the places kept here would lie in the future:
 * nothing would be sent for a long time. They become places among the restored events, which `adoptRestoredEvents` puts first.
 * @returns whether there was anything to do
 */
export async function adoptRestoredDispatch (db: Db): Promise<boolean> {
  const { rows: [found] } = await sql<{ foreign: boolean }>`
    select exists (select from webhook_dispatch where txid >= pg_snapshot_xmax(pg_current_snapshot())) or
      exists (select from webhooks where from_txid >= pg_snapshot_xmax(pg_current_snapshot())) as foreign`.execute(db)
  if (found?.foreign !== true) return false
  await db.transaction().execute(async trx => {
    // Events that nobody had subscribed to when the cursor stood still are not to be sent now.
    await sql`update webhook_dispatch set txid = '1', seq = case
      when txid >= coalesce((select max(from_txid) from webhooks where enabled), '0') then seq
      else coalesce((select max(seq) from company_events), 0) end`.execute(trx)
    await trx.updateTable('webhooks').set({ from_txid: '1', from_snapshot: '1:1:' }).where('from_txid', '>=', sql<string>`pg_snapshot_xmax(pg_current_snapshot())`).execute()
  })
  return true
}
