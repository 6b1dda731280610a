/** Create-or-replace of a resource of the directory, in one transaction with its activity. */
import { isDeepStrictEqual } from 'node:util'
import type { Db } from '../../db/client.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import type { Actor } from '../access/actor.ts'
import { forbidAgentWrites } from '../access/agent-writes.ts'
import { requireCompany } from '../access/company-access.ts'
import { requireConditions, type Conditions } from '../entity-tag.ts'
import { Conflict } from '../errors.ts'
import { recordActivity } from '../operations/activity.ts'
import type { BaseRow, Key, ResourceDeps, ResourceParts } from './resource.ts'
import { unknownReference } from './violations.ts'

export interface Written<Item> { item: Item, created: boolean }

export type Writer<Body, Item> = (actor: Actor, key: Key, body: Body, conditions?: Conditions) => Promise<Written<Item>>

interface Write<Body> { actor: Actor, key: Key, body: Body, conditions: Conditions }

/**
 * Makes the writer. Writing what is there already changes nothing, not even `updatedAt`.
 * @throws ForbiddenForAgents, Forbidden, NotFound (the company or project of the path), InvalidReference, Conflict, PreconditionFailed
 */
export function createWriter<Row extends BaseRow, Values extends object, Body, Item extends object> (
  parts: ResourceParts<Row, Values, Body, Item>, { db, now }: ResourceDeps
): Writer<Body, Item> {
  async function write (trx: Db, { actor, key, body, conditions }: Write<Body>): Promise<Written<Item>> {
    await parts.enter(trx, key)
    const existing = await parts.find(trx, key, true)
    requireConditions(conditions, existing === undefined ? undefined : parts.toItem(existing))
    const values = await parts.values(trx, key, body, existing)
    const { entity } = parts
    if (existing === undefined) {
      const row = await parts.insert(trx, key, values, now())
      await record(trx, { actor, key, entity, what: 'created', changed: Object.keys(values) })
      return { item: parts.toItem(row), created: true }
    }
    const changed = changedKeys(existing, values)
    if (changed.length === 0) return { item: parts.toItem(existing), created: false }
    const row = await parts.update(trx, existing, values, now())
    await record(trx, { actor, key, entity, what: 'updated', changed })
    return { item: parts.toItem(row), created: false }
  }

  async function attempt (wanted: Write<Body>): Promise<Written<Item>> {
    try {
      return await db.transaction().execute(trx => write(trx, wanted))
    } catch (error) {
      throw unknownReference(error) ?? error
    }
  }

  return async (actor, key, raw, conditions = {}) => {
    if (parts.writeKind !== undefined) forbidAgentWrites(actor, raw, parts.writeKind)
    requireCompany(actor, key.companyId, 'admin')
    const wanted = { actor, key, body: await parts.prepare(raw), conditions }
    try {
      return await attempt(wanted)
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
    }
    // Of two creations at once the loser finds the winner's row now; an id used elsewhere is still in its way.
    try {
      return await attempt(wanted)
    } catch (error) {
      throw isUniqueViolation(error) ? new Conflict('This id is taken by something else.', { cause: error }) : error
    }
  }
}

interface Entry { actor: Actor, key: Key, entity: string, what: 'created' | 'updated' | 'deleted', changed: readonly string[] }

/** Names what changed, never the values: they may be commands. */
export async function record (trx: Db, { actor, key, entity, what, changed }: Entry): Promise<void> {
  await recordActivity(trx, {
    companyId: key.companyId,
    actor,
    action: `${entity}.${what}`,
    entityType: entity,
    entityId: key.id,
    details: changed.length === 0 ? null : { changed: changed.map(camelCase) }
  })
}

/** Columns whose value would change. */
function changedKeys (row: object, values: object): string[] {
  const before = row as Record<string, unknown>
  return Object.entries(values).filter(([key, value]) => !isDeepStrictEqual(before[key], value)).map(([key]) => key)
}

function camelCase (column: string): string {
  return column.replace(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase())
}
