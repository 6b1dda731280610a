/** What the service says about itself: health and readiness. */
import { Type, type Static } from '@sinclair/typebox'
import { closed, nullableInteger, nullableOpenObject, nullableString, stringEnum } from './kit.ts'

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
  }, closed),
  disk: Type.Object({
    ok: Type.Boolean({ description: 'False while new work is refused (507) because the file system of the data dir is nearly full; all else works, so the service is ready nevertheless.' }),
    freeBytes: nullableInteger(),
    neededBytes: Type.Integer({ description: '`BERTH_MIN_FREE_BYTES`.' })
  }, closed)
}, {
  $id: 'Readiness',
  ...closed,
  examples: [{ status: 'ready', database: { kind: 'pglite', ok: true }, recovery: { state: 'done', detail: 'nothing to recover', report: null }, disk: { ok: true, freeBytes: 81_604_378_624, neededBytes: 268_435_456 } }]
})

export type Health = Static<typeof Health>
export type Readiness = Static<typeof Readiness>
