/** What the service says about itself: health and readiness. */
import { Type, type Static } from '@sinclair/typebox'
import { closed, nullableOpenObject, nullableString, stringEnum } from './kit.ts'

export const Health = Type.Object({
  status: stringEnum(['ok']),
  version: Type.String(),
  uptimeSec: Type.Number()
}, { $id: 'Health', ...closed, examples: [{ status: 'ok', version: '0.1.0', uptimeSec: 12.5 }] })

export const Readiness = Type.Object({
  status: stringEnum(['ready', 'not_ready']),
  database: Type.Object({ kind: stringEnum(['pglite', 'postgres']), ok: Type.Boolean() }, closed),
  recovery: Type.Object({
    state: stringEnum(['pending', 'running', 'done', 'failed']),
    detail: nullableString({ description: 'What was found and done, or why it failed, in one line.' }),
    report: nullableOpenObject()
  }, closed)
}, {
  $id: 'Readiness',
  ...closed,
  examples: [{ status: 'ready', database: { kind: 'pglite', ok: true }, recovery: { state: 'done', detail: 'nothing to recover', report: null } }]
})

export type Health = Static<typeof Health>
export type Readiness = Static<typeof Readiness>
