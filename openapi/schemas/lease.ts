/** Run leases: a run holds a workspace and its services for a time. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, NullableUuid, Timestamp, Uuid, closed, nullableRef, ref } from './kit.ts'
import { WorkspaceOperation } from './operation.ts'
import { RuntimeService } from './runtime.ts'

const leaseFields = {
  id: Uuid,
  companyId: Uuid,
  executionWorkspaceId: Uuid,
  runId: Uuid,
  agentId: NullableUuid,
  issueId: NullableUuid,
  expiresAt: Timestamp,
  releasedAt: NullableTimestamp,
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const RunLease = Type.Object(leaseFields, { $id: 'RunLease', description: 'The hold of a run on a workspace: neither the workspace nor its services go while it lasts.' })

export const defaultTtlSec = 3600

const TtlSec = Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, default: defaultTtlSec, description: 'How long the lease holds from the answer on, in seconds.' }))

export const AcquireLeaseBody = Type.Object({
  runId: Uuid,
  agentId: Type.Optional(NullableUuid),
  issueId: Type.Optional(NullableUuid),
  ttlSec: TtlSec
}, { $id: 'AcquireLeaseBody', ...closed })

export const RenewLeaseBody = Type.Object({
  runId: Uuid,
  ttlSec: TtlSec
}, { $id: 'RenewLeaseBody', ...closed })

export const LeaseAnswer = Type.Object({
  ...leaseFields,
  runtimeServices: Type.Array(ref(RuntimeService), { description: 'What the workspace has running now, and so what the lease holds.' }),
  operation: nullableRef(WorkspaceOperation)
}, { $id: 'LeaseAnswer', description: 'A lease, the services it holds, and the operation that started or reused them (null when there was nothing to start).' })

export const LeaseRelease = Type.Object({
  leases: Type.Array(ref(RunLease), { description: 'What was released by this call.' }),
  stoppedServices: Type.Array(ref(RuntimeService)),
  operations: Type.Array(ref(WorkspaceOperation), { description: 'One for each service that was to be stopped, with the proof.' })
}, { $id: 'LeaseRelease', description: 'What the end of a run has released and stopped.' })

export type RunLease = Static<typeof RunLease>
export type AcquireLeaseBody = Static<typeof AcquireLeaseBody>
export type RenewLeaseBody = Static<typeof RenewLeaseBody>
export type LeaseAnswer = Static<typeof LeaseAnswer>
export type LeaseRelease = Static<typeof LeaseRelease>
