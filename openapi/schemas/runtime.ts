/** Runtime services and the actions on them. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, NullableUuid, Timestamp, Uuid, closed, maxNameLength, nullableInteger, nullableOpenObject, nullableString, stringEnum } from './kit.ts'
import { LogPartQuery, LogStartQuery } from './log.ts'
import { lifecycles, scopeTypes } from './workspace-config.ts'

export const serviceStatuses = ['starting', 'running', 'stopped', 'failed', 'backing_off'] as const
/** A service in one of these holds its identity: a second one can't be started. */
export const liveServiceStatuses = ['starting', 'running', 'backing_off'] as const
export const healthStatuses = ['unknown', 'healthy', 'unhealthy'] as const
export const serviceProviders = ['local_process', 'adapter_managed'] as const
export const runtimeActions = ['start', 'stop', 'restart', 'run'] as const

export const RuntimeService = Type.Object({
  id: Uuid,
  companyId: Uuid,
  projectId: NullableUuid,
  projectWorkspaceId: NullableUuid,
  executionWorkspaceId: NullableUuid,
  issueId: NullableUuid,
  scopeType: stringEnum(scopeTypes),
  scopeId: nullableString(),
  serviceName: Type.String(),
  status: stringEnum(serviceStatuses),
  lifecycle: stringEnum(lifecycles),
  reuseKey: nullableString(),
  command: nullableString(),
  cwd: nullableString(),
  port: nullableInteger(),
  url: nullableString(),
  provider: stringEnum(serviceProviders),
  providerRef: nullableString({ description: 'The process id, as a string, for `local_process`.' }),
  ownerAgentId: NullableUuid,
  startedByRunId: NullableUuid,
  lastUsedAt: Timestamp,
  startedAt: Timestamp,
  stoppedAt: NullableTimestamp,
  stopPolicy: nullableOpenObject(),
  healthStatus: stringEnum(healthStatuses),
  configIndex: nullableInteger(),
  exitCode: nullableInteger(),
  exitSignal: nullableString(),
  exitReason: nullableString({ description: 'Why it ended, in words.' }),
  restartCount: Type.Integer({ description: 'Restarts by its `restart` policy, since it was started.' }),
  attempt: Type.Integer({ description: 'Counts its starts, from 1; each has a log of its own.' }),
  nextRestartAt: NullableTimestamp,
  logRef: nullableString(),
  createdAt: Timestamp,
  updatedAt: Timestamp
}, { $id: 'RuntimeService', description: 'One started service: a process group with a port, a URL and a health.' })

const Attempt = Type.Optional(Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'Which start of the service; the current one unless given.' }))

export const ServiceLogQuery = Type.Object({ attempt: Attempt, ...LogPartQuery.properties }, closed)
export const ServiceLogStreamQuery = Type.Object({ attempt: Attempt, ...LogStartQuery.properties }, closed)

export const RuntimeServiceLog = Type.Object({
  runtimeServiceId: Uuid,
  attempt: Type.Integer(),
  store: Type.String(),
  logRef: Type.String(),
  content: Type.String({ description: 'Plain text, secrets masked; cut between lines where lines end.' }),
  offset: Type.Integer({ description: 'Where `content` really begins, in bytes of the log: later than asked for when that was capped away or lies inside a secret.' }),
  nextOffset: nullableInteger({ description: 'Where to go on; null when this attempt has ended and all of it was read.' })
}, { $id: 'RuntimeServiceLog', description: 'A part of the log of one start of a service.' })

export const RuntimeControlBody = Type.Object({
  workspaceCommandId: Type.Optional(nullableString({ minLength: 1, maxLength: maxNameLength + 50 })),
  runtimeServiceId: Type.Optional(NullableUuid),
  serviceIndex: Type.Optional(nullableInteger({ minimum: 0, maximum: 10_000 }))
}, { $id: 'RuntimeControlBody', ...closed })

export type RuntimeService = Static<typeof RuntimeService>
export type RuntimeServiceLog = Static<typeof RuntimeServiceLog>
export type RuntimeControlBody = Static<typeof RuntimeControlBody>
export type RuntimeAction = typeof runtimeActions[number]
export type ServiceStatus = typeof serviceStatuses[number]
