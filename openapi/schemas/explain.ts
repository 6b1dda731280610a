/** Why a workspace is as it is, in words and data. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, NullableUuid, Uuid, nullableString, ref, stringEnum } from './kit.ts'
import { readinessStates } from './readiness.ts'
import { workspaceStatuses } from './workspace.ts'

const words = Type.String({ description: 'A sentence.' })

export const WorkspaceHolder = Type.Object({
  kind: stringEnum(['lease', 'lock', 'issue'] as const, { description: '`lease`: a run; `lock`: something that is being done to it; `issue`: open work linked to it.' }),
  id: NullableUuid,
  description: words,
  since: NullableTimestamp,
  until: NullableTimestamp
}, { $id: 'WorkspaceHolder' })

export const WorkspaceActivityNow = Type.Object({
  kind: stringEnum(['service', 'operation'] as const),
  id: Uuid,
  name: Type.String(),
  status: Type.String(),
  since: NullableTimestamp,
  description: nullableString()
}, { $id: 'WorkspaceActivityNow' })

export const WorkspaceNextStep = Type.Object({
  kind: stringEnum(['lease_ends', 'service_restarts', 'service_stops', 'archive', 'retry_cleanup', 'rescue_dropped'] as const),
  id: NullableUuid,
  at: nullableString({ format: 'date-time', description: 'Not before; null when it waits for something else than the time.' }),
  description: Type.String({ description: 'The rule, and what keeps it from happening.' })
}, { $id: 'WorkspaceNextStep' })

export const WorkspaceExplanation = Type.Object({
  workspaceId: Uuid,
  status: stringEnum(workspaceStatuses),
  summary: Type.String({ description: 'Why it is as it is, in a few sentences.' }),
  heldBy: Type.Array(ref(WorkspaceHolder)),
  running: Type.Array(ref(WorkspaceActivityNow)),
  next: Type.Array(ref(WorkspaceNextStep), { description: 'What happens by itself, the nearest first.' }),
  closing: Type.Object({
    state: stringEnum(readinessStates),
    blockingReasons: Type.Array(Type.String()),
    deletes: Type.Array(Type.String(), { description: 'What archiving it now would take away.' }),
    keeps: Type.Array(Type.String(), { description: 'What archiving it now would leave or store.' })
  })
}, { $id: 'WorkspaceExplanation' })

export type WorkspaceHolder = Static<typeof WorkspaceHolder>
export type WorkspaceActivityNow = Static<typeof WorkspaceActivityNow>
export type WorkspaceNextStep = Static<typeof WorkspaceNextStep>
export type WorkspaceExplanation = Static<typeof WorkspaceExplanation>
