/** Workspace operations: the durable record of one thing done to a workspace, with its log. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, NullableUuid, Timestamp, Uuid, closed, nullableInteger, nullableOpenObject, nullableString, stringEnum } from './kit.ts'

export const operationPhases = ['worktree_prepare', 'workspace_provision', 'workspace_teardown', 'worktree_cleanup', 'workspace_rescue', 'workspace_restore'] as const
export const operationStatuses = ['running', 'succeeded', 'failed', 'skipped', 'queued', 'cancelled', 'timed_out', 'interrupted'] as const
export const logStreams = ['stdout', 'stderr', 'system'] as const

export const WorkspaceOperation = Type.Object({
  id: Uuid,
  companyId: Uuid,
  executionWorkspaceId: NullableUuid,
  projectWorkspaceId: NullableUuid,
  heartbeatRunId: NullableUuid,
  phase: stringEnum(operationPhases),
  command: nullableString(),
  cwd: nullableString(),
  status: stringEnum(operationStatuses),
  exitCode: nullableInteger(),
  logStore: nullableString(),
  logRef: nullableString(),
  logBytes: nullableInteger(),
  logSha256: nullableString(),
  logCompressed: Type.Boolean(),
  stdoutExcerpt: nullableString({ description: 'The last 4,096 characters.' }),
  stderrExcerpt: nullableString({ description: 'The last 4,096 characters.' }),
  metadata: nullableOpenObject(),
  startedAt: Timestamp,
  finishedAt: NullableTimestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp
}, { $id: 'WorkspaceOperation', description: 'The durable record of one thing done to a workspace.' })

export const OperationLogQuery = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'Bytes; take `nextOffset` of the answer before.' })),
  limitBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_097_152, default: 256_000 }))
}, closed)

export const OperationLog = Type.Object({
  operationId: Uuid,
  store: Type.String(),
  logRef: Type.String(),
  content: Type.String({ description: 'NDJSON: `{"ts", "stream": "stdout"|"stderr"|"system", "chunk"}` a line; cut only between lines.' }),
  nextOffset: nullableInteger({ description: 'Where to go on; null when the operation has ended and all of it was read.' })
}, { $id: 'OperationLog' })

export type WorkspaceOperation = Static<typeof WorkspaceOperation>
export type OperationLog = Static<typeof OperationLog>
export type OperationPhase = typeof operationPhases[number]
export type OperationStatus = typeof operationStatuses[number]
export type LogStream = typeof logStreams[number]
