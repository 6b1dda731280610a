/** Events as the API shows them, their ids, and which of them somebody wants. */
import type { EventCursor, EventRow } from '../../db/company-events.ts'
import type { CompanyEvent } from '../../openapi/schemas/event.ts'
import { InvalidCursor } from '../errors.ts'

const maxPart = 2n ** 63n - 1n

/** The id of the event at this place: `<transaction>-<number>`. */
export function eventIdOf ({ txid, seq }: EventCursor): string {
  return `${txid}-${seq}`
}

/** The place an event's id stands for. Throws InvalidCursor. */
export function eventCursorOf (id: string): EventCursor {
  const [, txid, seq] = /^(\d{1,19})-(\d{1,19})$/.exec(id) ?? []
  if (txid === undefined || seq === undefined || BigInt(txid) > maxPart || BigInt(seq) > maxPart) {
    throw new InvalidCursor('This is not the id of an event of this service.')
  }
  return { txid, seq }
}

/** The API's event for a row of `company_events`. */
export function toCompanyEvent (row: EventRow): CompanyEvent {
  return {
    id: eventIdOf(row),
    type: row.type,
    companyId: row.company_id,
    entityType: row.entity_type,
    entityId: row.entity_id,
    // Written by this schema's own triggers, in the shape of its type.
    data: row.data as CompanyEvent['data'],
    createdAt: row.created_at.toISOString()
  }
}

/**
 * Whether somebody wants events of a type.
 * @param types names separated by commas, or prefixes that end with a dot; undefined wants all
 */
export function wantsType (types: string | undefined): (type: string) => boolean {
  if (types === undefined) return () => true
  const names = types.split(',')
  const prefixes = names.filter(name => name.endsWith('.'))
  const exact = new Set(names)
  return type => exact.has(type) || prefixes.some(prefix => type.startsWith(prefix))
}
