/** Workspace operations: the durable record of one thing done to a workspace, with its log. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, NullableUuid, Timestamp, Uuid, nullableInteger, nullableOpenObject, nullableString, stringEnum } from './kit.ts'

export const operationPhases = ['worktree_prepare', 'workspace_provision', 'workspace_teardown', 'worktree_cleanup', 'workspace_rescue', 'workspace_restore'] as const
export const operationStatuses = ['running', 'succeeded', 'failed', 'skipped', 'queued', 'cancelled', 'timed_out', 'interrupted'] as const
export const logStreams = ['stdout', 'stderr', 'system'] as const

const operationExample = {
  id: '7b1c0f7e-6a55-4c0e-9c1d-0d6a3f6b1f10',
  companyId: '3f2a9d4e-1c7b-4b8e-8f5a-2d9c6e7f1a01',
  executionWorkspaceId: '9e8d7c6b-5a49-4837-a625-141302f1e0d9',
  projectWorkspaceId: null,
  heartbeatRunId: null,
  phase: 'workspace_provision',
  command: 'npm test',
  cwd: '/home/ann/.berth/worktrees/site/SITE-7-fix-the-header',
  status: 'failed',
  exitCode: 1,
  logStore: 'local_file',
  logRef: 'operations/7b/7b1c0f7e-6a55-4c0e-9c1d-0d6a3f6b1f10.ndjson',
  logBytes: 78,
  logSha256: '6b1f1c9f7f0f2a7f0f6b1d3f1f2a4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b',
  logCompressed: false,
  stdoutExcerpt: null,
  stderrExcerpt: '1 failing\n',
  metadata: { action: 'run', workspaceCommandId: 'job:test', workspaceCommandKind: 'job', workspaceCommandName: 'test' },
  queuePosition: null,
  hostId: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  startedAt: '2026-01-05T10:00:00.000Z',
  finishedAt: '2026-01-05T10:00:04.120Z',
  createdAt: '2026-01-05T10:00:00.000Z',
  updatedAt: '2026-01-05T10:00:04.120Z'
}

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
  metadata: nullableOpenObject({ description: 'What was noted on the way. Among it `timer` (`name`, `sec`): the limit that ended it; `cancelledBy` (`type`, `id`, `runId`); `reason`: why it was interrupted or skipped; `stop`: the proof that its processes are gone; `error`.' }),
  queuePosition: nullableInteger({ description: 'While it is `queued` on the host that answers: its place in the line of jobs, from 1.' }),
  hostId: { ...NullableUuid, description: 'The host that does it, and has its log.' },
  startedAt: Type.String({ format: 'date-time', maxLength: 40, description: 'When the work itself began; while it is `queued`, when it was put in line. Up to `finishedAt` it is never less than the time it took, however the clock was set meanwhile.' }),
  finishedAt: NullableTimestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp
}, { $id: 'WorkspaceOperation', description: 'The durable record of one thing done to a workspace.', examples: [operationExample] })

export const OperationLog = Type.Object({
  operationId: Uuid,
  store: Type.String(),
  logRef: Type.String(),
  content: Type.String({ description: 'NDJSON: `{"ts", "stream": "stdout"|"stderr"|"system", "chunk"}` a line; cut only between lines.' }),
  nextOffset: nullableInteger({ description: 'Where to go on; null when the operation has ended and all of it was read.' })
}, {
  $id: 'OperationLog',
  description: 'A part of the log of an operation.',
  examples: [{
    operationId: operationExample.id,
    store: operationExample.logStore,
    logRef: operationExample.logRef,
    content: '{"ts":"2026-01-05T10:00:04.100Z","stream":"stderr","chunk":"1 failing\\n"}\n',
    nextOffset: null
  }]
})

export type WorkspaceOperation = Static<typeof WorkspaceOperation>
export type OperationLog = Static<typeof OperationLog>
export type OperationPhase = typeof operationPhases[number]
export type OperationStatus = typeof operationStatuses[number]
export type LogStream = typeof logStreams[number]
