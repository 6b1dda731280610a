/**
 * Queries on company_events: every event once and in order, although transactions end in another order than they began.
 * Triggers write the rows (migration 0004), so no change of activity or of an operation's status can be without its event.
 */
import { sql, type RawBuilder } from 'kysely'
import type { Db } from './client.ts'
import type { Row } from './tables.ts'

/** The channel transactions with events notify; the payload is the company's id. */
export const eventsChannel = 'berth_events'

/** A place in the order of events: both decimal texts. */
export interface EventCursor {
  txid: string
  seq: string
}

export type EventRow = Row<'company_events'>

export interface EventsAsked {
  /** Null for those of all companies. */
  companyId: string | null
  /** The cursor of the last event seen; null for the oldest there are. */
  after: EventCursor | null
  limit: number
}

export interface EventsFound {
  rows: EventRow[]
  /** There are more, but a transaction that began before them is under way: ask again soon, nobody will notify. */
  held: boolean
}

/** Before every transaction a server gives a number to. */
const first = '1'

/** Before every event. */
const beginning: EventCursor = { txid: '0', seq: '0' }

/** The place before the oldest event of a company that is kept. */
export async function oldestCursor (db: Db, companyId: string): Promise<EventCursor> {
  return await db.selectFrom('company_event_marks').select(['txid', 'seq']).where('company_id', '=', companyId).executeTakeFirst() ?? beginning
}

const place = ({ txid, seq }: EventCursor): RawBuilder<unknown> => sql`(${txid}::xid8, ${seq}::bigint)`

/**
 * Events in order, after a cursor. Those of a transaction are left out as long as one that began before it is under way:
 * its events, still to come, go before them. (Any writing transaction of the server counts, so a long one holds events up.)
 */
export async function listEventsAfter (db: Db, { companyId, after, limit }: EventsAsked): Promise<EventsFound> {
  const ofCompany = companyId === null ? sql`` : sql`company_id = ${companyId} and`
  const { rows } = await sql<EventRow & { settled: boolean }>`
    select txid, seq, company_id, type, entity_type, entity_id, data, created_at,
      txid < pg_snapshot_xmin(pg_current_snapshot()) as settled
    from company_events where ${ofCompany} (txid, seq) > ${place(after ?? beginning)}
    order by company_events.txid, company_events.seq limit ${limit}`.execute(db)
  const end = rows.findIndex(({ settled }) => !settled)
  const settled = end === -1 ? rows : rows.slice(0, end)
  return { rows: settled.map(({ settled: _, ...row }) => row), held: end !== -1 }
}

/** The cursor of now: events of transactions that are committed from now on come after it, and perhaps a few just before. */
export async function latestCursor (db: Db): Promise<EventCursor> {
  const { rows } = await sql<{ txid: string }>`select pg_snapshot_xmin(pg_current_snapshot()) as txid`.execute(db)
  return { txid: rows[0]?.txid ?? beginning.txid, seq: '0' }
}

/** `gone`: events after it were removed; `ahead`: this database has not come so far, so the cursor is of another one. */
export type CursorState = 'good' | 'gone' | 'ahead'

/** Whether a company's events after this cursor (null: from the oldest on) are all there. */
export async function stateOfCursor (db: Db, companyId: string, after: EventCursor): Promise<CursorState> {
  const { rows } = await sql<{ gone: boolean, ahead: boolean }>`
    select exists (select from company_event_marks where company_id = ${companyId} and (txid, seq) > ${place(after)}) as gone,
      ${after.txid}::xid8 > pg_snapshot_xmax(pg_current_snapshot()) as ahead`.execute(db)
  if (rows[0]?.ahead === true) return 'ahead'
  return rows[0]?.gone === true ? 'gone' : 'good'
}

/**
 * After a dump was restored into another server, whose transactions begin to count anew, events of before would stand behind
 * those to come, for ever out of sight: they are put first, in the order of their numbers. Costs one look at an index otherwise.
 * @returns whether there were any
 */
export async function adoptRestoredEvents (db: Db): Promise<boolean> {
  const { rows: [found] } = await sql<{ foreign: boolean }>`
    select exists (select from company_events where txid >= pg_snapshot_xmax(pg_current_snapshot())) as foreign`.execute(db)
  if (found?.foreign !== true) return false
  await db.transaction().execute(async trx => {
    await trx.updateTable('company_events').set({ txid: first }).execute()
    await trx.updateTable('company_event_marks').set({ txid: first }).execute()
  })
  return true
}

/**
 * Removes events that are older than `before`, the oldest first, at most `limit` of them, and marks in the same statement
 * how far each company's have gone.
 * @returns how many were removed; fewer than `limit` when no more are that old
 */
export async function deleteEventsBefore (db: Db, before: Date, limit: number): Promise<number> {
  const { rows: [counted] } = await sql<{ removed: string }>`
    with oldest as (select txid, seq, created_at from company_events order by txid, seq limit ${limit}),
    removed as (
      delete from company_events using oldest
      where company_events.txid = oldest.txid and company_events.seq = oldest.seq and oldest.created_at < ${before}::timestamptz
        and oldest.txid < pg_snapshot_xmin(pg_current_snapshot())
      returning company_events.company_id, company_events.txid, company_events.seq),
    marked as (
      insert into company_event_marks (company_id, txid, seq)
      select distinct on (company_id) company_id, txid, seq from removed order by company_id, txid desc, seq desc
      on conflict (company_id) do update set txid = excluded.txid, seq = excluded.seq
      where (excluded.txid, excluded.seq) > (company_event_marks.txid, company_event_marks.seq))
    select count(*) as removed from removed`.execute(db)
  return Number(counted?.removed ?? 0)
}
