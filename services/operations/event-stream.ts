/** Follows the events of a company: those that are kept, then those that come, each once and in order. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from '../../db/client.ts'
import { latestCursor, listEventsAfter, oldestCursor, stateOfCursor, type EventCursor, type EventsFound } from '../../db/company-events.ts'
import type { EventsQuery } from '../../openapi/schemas/event.ts'
import { EventsGone } from '../errors.ts'
import { eventCursorOf, eventIdOf, toCompanyEvent, wantsType } from './company-event.ts'
import type { EventSignals } from './event-signals.ts'
import { createWakeUp } from './wake-up.ts'

/** One server-sent event. */
export interface SentEvent {
  /** The type of a company's event, or `position`: how far the stream has come. */
  event: string
  id: string
  /** JSON text. */
  data: string
}

/** Where to begin, and which types are wanted. */
export type EventsAsked = { [K in keyof EventsQuery]: EventsQuery[K] | undefined }

export type EventFollow = (signal: AbortSignal) => AsyncGenerator<SentEvent, void, void>

export interface EventFollowers {
  /**
   * To follow a company's events; they are read a page at a time, as they are asked for, so a slow reader holds no more.
   * @throws InvalidCursor, EventsGone when events after the place asked for are not kept any more
   */
  follow (companyId: string, asked: EventsAsked): Promise<EventFollow>
}

export interface EventFollowersDeps {
  db: Db
  signals: EventSignals
  /** Events read at a time. */
  pageSize?: number
}

const defaultPageSize = 100
/** A reader that is sent nothing is told after this many events how far it has come, so that it need not go through them again. */
const quietEvents = 100
/** Nobody notifies when a transaction that held events up ends: they are looked for, at first soon. */
const firstHeldMs = 5
const maxHeldMs = 250

export function createEventFollowers ({ db, signals, pageSize = defaultPageSize }: EventFollowersDeps): EventFollowers {
  const reading = new Map<string, Promise<EventsFound>>()

  /** Of readers that are woken together at the same place one reads for all. */
  async function read (companyId: string, after: EventCursor): Promise<EventsFound> {
    const key = `${companyId} ${eventIdOf(after)} ${signals.count}`
    const known = reading.get(key)
    if (known !== undefined) return await known
    const page = listEventsAfter(db, { companyId, after, limit: pageSize }).finally(() => reading.delete(key))
    reading.set(key, page)
    return await page
  }

  async function * pages (companyId: string, start: EventCursor, signal: AbortSignal): AsyncGenerator<EventsFound['rows'], void, void> {
    const { notify, next } = createWakeUp()
    signal.addEventListener('abort', notify)
    const follower = signals.follow(companyId, notify)
    try {
      let [after, heldMs] = [start, firstHeldMs]
      while (!signal.aborted) {
        const { rows, held } = await read(companyId, after)
        after = rows.at(-1) ?? after
        if (rows.length > 0) yield rows
        if (held) {
          await pause(heldMs, undefined, { signal }).catch(() => {}) // the reader is gone, which ends the loop
          heldMs = rows.length > 0 ? firstHeldMs : Math.min(heldMs * 2, maxHeldMs)
        } else {
          heldMs = firstHeldMs
          if (rows.length < pageSize) await next()
        }
      }
    } finally {
      signal.removeEventListener('abort', notify)
      follower.release()
    }
  }

  return {
    async follow (companyId, { after, from = 'now', types }) {
      const wants = wantsType(types)
      const start = await startOf(db, companyId, { after, from })
      return async function * (signal) {
        // The first one too: who is cut off before anything has happened can come back to this place.
        yield positionAt(start)
        let unsent = 0
        for await (const rows of pages(companyId, start, signal)) {
          for (const row of rows) {
            unsent = wants(row.type) ? 0 : unsent + 1
            if (unsent === 0) yield { event: row.type, id: eventIdOf(row), data: JSON.stringify(toCompanyEvent(row)) }
            if (unsent < quietEvents) continue
            unsent = 0
            yield positionAt(row)
          }
        }
      }
    }
  }
}

function positionAt (cursor: EventCursor): SentEvent {
  return { event: 'position', id: eventIdOf(cursor), data: '{}' }
}

/** Where to begin. Throws InvalidCursor, EventsGone. */
async function startOf (db: Db, companyId: string, { after, from }: EventsAsked): Promise<EventCursor> {
  if (after === undefined) return from === 'start' ? await oldestCursor(db, companyId) : await latestCursor(db)
  const cursor = eventCursorOf(after)
  const state = await stateOfCursor(db, companyId, cursor)
  if (state === 'gone') throw new EventsGone('Events after this one were removed because of their age. Read afresh what you keep, then follow from now on, or take what is left with ?from=start.')
  if (state === 'ahead') throw new EventsGone('This event is not one of this database, which has not come so far: it may have been restored. Read afresh what you keep, then follow from now on.')
  return cursor
}
