/** Tables of webhooks: subscriptions, the messages on their way, and how far the events have been looked through. */
import type { ColumnType, Generated } from 'kysely'
import type { JsonOrNull, Stamp } from './columns.ts'

export interface WebhooksTable {
  id: string
  company_id: string
  url: string
  /** Names, or prefixes that end with a dot; null for every type. */
  types: JsonOrNull<string[]>
  description: string | null
  enabled: Generated<boolean>
  /** Why the service itself disabled it. */
  disabled_reason: string | null
  /** `whsec_…`; plain, because signing needs it. Never shown again after it was made. */
  secret: string
  /** Signs too until its time is up, so that receivers can change over. */
  previous_secret: string | null
  previous_secret_expires_at: Date | null
  /** Events of transactions before this one came before the subscription: no need to look at them. */
  from_txid: string
  /** `xmin:xmax:running`, as PostgreSQL writes it: what had been committed when the subscription began. */
  from_snapshot: Generated<string>
  version: Generated<number>
  created_at: Stamp
  updated_at: Stamp
}

/** One try to deliver, as it is kept. */
export interface StoredAttempt {
  /** RFC 3339. */
  at: string
  durationMs: number
  /** Of the answer; null when there was none. */
  httpStatus: number | null
  error: string | null
  /** The beginning of what the receiver answered. */
  response: string | null
}

export interface WebhookDeliveriesTable {
  id: string
  company_id: string
  webhook_id: string
  /** Of the company's event; null for one that is not of the log of events, such as a test. */
  event_id: string | null
  event_type: string
  /** The body as it is signed and sent, the same every time. */
  payload: string
  status: Generated<'pending' | 'delivered' | 'dead'>
  /** Counts what was scheduled: a job of another turn is out of date. */
  turn: Generated<number>
  /** Tries since it was made or sent again by hand. */
  attempt_count: Generated<number>
  /** The last tries, oldest first. */
  attempts: ColumnType<StoredAttempt[], string | undefined, string>
  next_attempt_at: Date | null
  finished_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

/** One row: the place of the last event that was looked at. */
export interface WebhookDispatchTable {
  id: Generated<boolean>
  txid: string
  seq: string
}
