/** What every resource of the directory does alike: list, get, create, create-or-replace, delete; each change with its activity. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import type { CreatedSlice } from '../../db/created-page.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireCompany } from '../access/company-access.ts'
import type { WriteKind } from '../access/agent-writes.ts'
import { requireConditions, type Conditions } from '../entity-tag.ts'
import { readPage, type PageRequest } from './created-pages.ts'
import { createWriter, record } from './resource-write.ts'
import { stillInUse } from './violations.ts'

/** Which thing: the ids of its path, lower case. A company's own id is both. */
export interface Key { companyId: string, projectId: string | null, id: string }
export type Scope = Omit<Key, 'id'>

export interface BaseRow { id: string, created_at: Date }

/** The parts in which resources differ. `Values` are the columns a body decides, jsonb as plain values. */
export interface ResourceParts<Row extends BaseRow, Values extends object, Body, Item> {
  /** As activity names it: `project_workspace`. */
  entity: 'company' | 'project' | 'project_workspace' | 'agent' | 'issue'
  /** What an agent may not write in a body, where there is such a thing. */
  writeKind?: WriteKind
  /** `lock` keeps the row from others' changes until the transaction ends. */
  find (db: Db, key: Key, lock: boolean): Promise<Row | undefined>
  list (db: Db, scope: Scope, slice: CreatedSlice): Promise<Row[]>
  insert (trx: Db, key: Key, values: Values, now: Date): Promise<Row>
  update (trx: Db, row: Row, values: Values, now: Date): Promise<Row>
  /** Deletes the row and what goes along; `holders` were found to be none. */
  remove (trx: Db, row: Row): Promise<void>
  holders (trx: Db, row: Row): Promise<object>
  /** Checks of the body that need files or no database, before the transaction. */
  prepare (body: Body): Promise<Body>
  /** Whether the company (and project) of a list is there. */
  exists (db: Db, scope: Scope): Promise<boolean>
  /** Runs first in every write's transaction: locks what the row stands on. */
  enter (trx: Db, scope: Scope): Promise<void>
  values (trx: Db, key: Key, body: Body, existing: Row | undefined): Promise<Values>
  toItem (row: Row): Item
}

export interface Resource<Body, Item> {
  list (actor: Actor, scope: Scope, page: PageRequest): Promise<Page<Item>>
  get (actor: Actor, key: Key): Promise<Item>
  create (actor: Actor, scope: Scope, body: Body): Promise<Item>
  put (actor: Actor, key: Key, body: Body, conditions?: Conditions): Promise<{ item: Item, created: boolean }>
  delete (actor: Actor, key: Key, conditions?: Conditions): Promise<void>
}

export interface ResourceDeps { db: Db, now: () => Date }

/**
 * Makes the five actions. All check the company first (403); what is absent is a NotFound (404).
 * Writes throw Conflict for an id that is taken elsewhere, InvalidReference, PreconditionFailed (412), and StillInUse on delete.
 */
export function createResource<Row extends BaseRow, Values extends object, Body, Item extends object> (
  parts: ResourceParts<Row, Values, Body, Item>, deps: ResourceDeps
): Resource<Body, Item> {
  const { db } = deps
  const put = createWriter(parts, deps)
  return {
    put,
    async list (actor, scope, page) {
      requireCompany(actor, scope.companyId, 'read')
      if (!await parts.exists(db, scope)) throw absent()
      return await readPage(page, slice => parts.list(db, scope, slice), parts.toItem)
    },
    async get (actor, key) {
      requireCompany(actor, key.companyId, 'read')
      const row = await parts.find(db, key, false)
      if (row === undefined) throw absent()
      return parts.toItem(row)
    },
    async create (actor, scope, body) {
      return (await put(actor, { ...scope, id: randomUUID() }, body)).item
    },
    async delete (actor, key, conditions = {}) {
      requireCompany(actor, key.companyId, 'admin')
      try {
        await db.transaction().execute(async trx => {
          await parts.enter(trx, key)
          const row = await parts.find(trx, key, true)
          if (row === undefined) throw absent()
          stillInUse.throwIfHeld(await parts.holders(trx, row))
          requireConditions(conditions, parts.toItem(row))
          await parts.remove(trx, row)
          await record(trx, { actor, key, entity: parts.entity, what: 'deleted', changed: [] })
        })
      } catch (error) {
        throw stillInUse.fromViolation(error) ?? error
      }
    }
  }
}
