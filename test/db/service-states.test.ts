import { randomUUID } from 'node:crypto'
import t from 'tap'
import { listServiceStates } from '../../db/service-states.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { insertServiceRow } from '../fixtures/service-rows.ts'

await onBothDatabases(t, 'states of services are told for many at once, of those that exist', async (t, { db }) => {
  const one = await insertServiceRow(db)
  const other = await insertServiceRow(db, { status: 'failed', attempt: 7 })
  const states = await listServiceStates(db, [one.id, randomUUID(), other.id])
  t.same(new Map(states.map(state => [state.id, state])), new Map([
    [one.id, { id: one.id, status: 'running', attempt: 1 }],
    [other.id, { id: other.id, status: 'failed', attempt: 7 }]
  ]))
  t.same(await listServiceStates(db, []), [])
})
