/** The activity log: who did what to which thing; written in the transaction of the change itself. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { insertActivity, listActivity, type ActivityFilter } from '../../db/activity.ts'
import type { JsonObject, NewRow, Row } from '../../db/tables.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { Activity } from '../../openapi/schemas/directory.ts'
import type { ActivityQuery } from '../../openapi/schemas/event.ts'
import { keyIdOf, type Actor } from '../access/actor.ts'
import { activityCursor, activityPosition } from './activity-page.ts'
import { toActivity } from './shape.ts'
import { storableJson } from './storable.ts'

export interface ActivityEntry {
  companyId: string
  actor: Actor
  /** What was done, as CONTRACT names it: `execution_workspace.created`. */
  action: string
  entityType: string
  entityId: string
  /** Names of what changed; never values of commands or secrets. */
  details?: JsonObject | null
}

type ActorColumns = Pick<NewRow<'activity_log'>, 'actor_type' | 'actor_id' | 'agent_id' | 'run_id'>

function actorColumns (actor: Actor): ActorColumns {
  switch (actor.type) {
    case 'board': return { actor_type: 'board', actor_id: actor.userId, agent_id: null, run_id: null }
    case 'agent': return { actor_type: 'agent', actor_id: actor.agentId, agent_id: actor.agentId, run_id: actor.runId }
    case 'system': return { actor_type: 'system', actor_id: null, agent_id: null, run_id: null }
    case 'none': throw new TypeError('nobody changes anything: an actor of type "none" can not be recorded')
  }
}

/** The row of an entry, for a statement that writes it together with the change. */
export function activityRow (entry: ActivityEntry): NewRow<'activity_log'> {
  return {
    id: randomUUID(),
    company_id: entry.companyId,
    ...actorColumns(entry.actor),
    key_id: keyIdOf(entry.actor),
    action: entry.action,
    entity_type: entry.entityType,
    entity_id: entry.entityId,
    details: entry.details == null ? null : storableJson(entry.details),
    created_at: new Date()
  }
}

/** Writes one entry; pass the transaction of the change, so that there is neither without the other. */
export async function recordActivity (trx: Db, entry: ActivityEntry): Promise<void> {
  await insertActivity(trx, activityRow(entry))
}

/** Writes what was done to an execution workspace; `action` goes after `execution_workspace.`. */
export async function recordWorkspaceActivity (
  trx: Db,
  row: Pick<Row<'execution_workspaces'>, 'id' | 'company_id'>,
  { action, ...entry }: Pick<ActivityEntry, 'actor' | 'action' | 'details'>
): Promise<void> {
  await recordActivity(trx, { ...entry, companyId: row.company_id, action: `execution_workspace.${action}`, entityType: 'execution_workspace', entityId: row.id })
}

/** The page and the filters. */
export type ActivityAsked = { [K in keyof ActivityQuery]: ActivityQuery[K] | undefined }

export interface ActivityReader {
  /** Newest first; what all of the filters fit. Throws InvalidCursor. */
  list (companyId: string, query: ActivityAsked): Promise<Page<Activity>>
}

const defaultLimit = 100

function filterOf ({ action, since, until, entityType, entityId, actorId, agentId, runId, keyId }: ActivityAsked): ActivityFilter {
  const time = (text: string | undefined): Date | undefined => text === undefined ? undefined : new Date(text)
  return { actions: action?.split(','), entityType, entityId, actorId, agentId, runId, keyId, since: time(since), until: time(until) }
}

export function createActivity ({ db }: { db: Db }): ActivityReader {
  return {
    async list (companyId, query) {
      const { limit = defaultLimit, cursor } = query
      const after = cursor === undefined ? null : activityPosition(cursor)
      // One more than the page holds, to see whether another one follows.
      const rows = await listActivity(db, companyId, { limit: limit + 1, after, filter: filterOf(query) })
      const shown = rows.slice(0, limit)
      const last = shown.at(-1)
      return { items: shown.map(toActivity), nextCursor: rows.length > limit && last !== undefined ? activityCursor(last) : null }
    }
  }
}
