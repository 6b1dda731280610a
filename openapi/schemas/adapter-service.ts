/** Adapter reports: services that another system runs for a workspace, as it tells of them. */
import { Type, type Static } from '@sinclair/typebox'
import { Name, NullableCommand, NullablePath, NullableTimestamp, NullableUuid, closed, nullableInteger, nullableRef, nullableString, ref, stringEnum } from './kit.ts'
import { RuntimeService, healthStatuses, serviceStatuses } from './runtime.ts'
import { lifecycles, scopeTypes, stopPolicyTypes } from './workspace-config.ts'

const text = (maxLength: number, options: object = {}) => nullableString({ minLength: 1, maxLength, ...options })

export const AdapterStopPolicy = Type.Object({
  type: stringEnum(stopPolicyTypes),
  idleSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_592_000 }))
}, { $id: 'AdapterStopPolicy', description: 'Shown as it is; the other system acts by it.', ...closed })

export const AdapterServiceReport = Type.Object({
  id: Type.Optional(text(200, { description: 'What the other system calls it. A UUID becomes the id of the service unless something else has it; any other text makes a stable id.' })),
  serviceName: Name,
  status: Type.Optional(stringEnum(serviceStatuses, { default: 'running' })),
  healthStatus: Type.Optional(stringEnum(healthStatuses, { default: 'unknown' })),
  lifecycle: Type.Optional(stringEnum(lifecycles, { description: '`ephemeral` for scope `run`, else `shared`.' })),
  scopeType: Type.Optional(stringEnum(scopeTypes, { default: 'execution_workspace' })),
  scopeId: Type.Optional(text(200, { description: 'By default the id of the workspace, the run or the agent, as the scope is.' })),
  command: Type.Optional(NullableCommand),
  cwd: Type.Optional(NullablePath),
  port: Type.Optional(nullableInteger({ minimum: 1, maximum: 65_535 })),
  url: Type.Optional(text(2000, { pattern: '^[A-Za-z][A-Za-z0-9+.-]*://' })),
  providerRef: Type.Optional(text(500)),
  ownerAgentId: Type.Optional(NullableUuid),
  issueId: Type.Optional(NullableUuid),
  stopPolicy: Type.Optional(nullableRef(AdapterStopPolicy)),
  exitCode: Type.Optional(nullableInteger({ minimum: -2_147_483_648, maximum: 2_147_483_647 })),
  exitReason: Type.Optional(text(2000)),
  startedAt: Type.Optional(NullableTimestamp),
  stoppedAt: Type.Optional(NullableTimestamp)
}, { $id: 'AdapterServiceReport', description: 'How one service is now. What is left out takes its default, mostly from the workspace.', ...closed })

export const AdapterServicesBody = Type.Object({
  adapterType: Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', description: 'Which system reports.' }),
  runId: Type.Optional(NullableUuid),
  reports: Type.Array(ref(AdapterServiceReport), { maxItems: 100 })
}, { $id: 'AdapterServicesBody', ...closed })

export const AdapterServicesAnswer = Type.Object({
  runtimeServices: Type.Array(ref(RuntimeService), { description: 'In the order of the reports.' })
}, { $id: 'AdapterServicesAnswer' })

export type AdapterServiceReport = Static<typeof AdapterServiceReport>
export type AdapterServicesBody = Static<typeof AdapterServicesBody>
export type AdapterServicesAnswer = Static<typeof AdapterServicesAnswer>
