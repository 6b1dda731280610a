/** What happened in a company, as events: activity, and how operations come and go. */
import { Type, type Static } from '@sinclair/typebox'
import { Activity } from './directory.ts'
import { closed, Cursor, Limit, nullableInteger, nullableString, NullableTimestamp, NullableUuid, ref, stringEnum, Timestamp, Uuid } from './kit.ts'
import { operationPhases, operationStatuses } from './operation.ts'

export const operationEventTypes = ['workspace_operation.queued', 'workspace_operation.started', 'workspace_operation.ended'] as const

export const OperationState = Type.Object({
  id: Uuid,
  executionWorkspaceId: NullableUuid,
  projectWorkspaceId: NullableUuid,
  heartbeatRunId: NullableUuid,
  phase: stringEnum(operationPhases),
  action: nullableString({ description: 'What was asked for: `run`, `start`, `archive` …' }),
  status: stringEnum(operationStatuses),
  exitCode: nullableInteger(),
  startedAt: Timestamp,
  finishedAt: NullableTimestamp
}, { $id: 'OperationState', description: 'How far an operation was when the event was written; the operation itself says more.' })

export const CompanyEvent = Type.Object({
  id: Type.String({ description: 'The event\'s place in the order of events; give it as `Last-Event-ID` or `after` to go on behind it.' }),
  type: Type.String({ description: 'The `action` of an activity, or `workspace_operation.queued`, `.started`, `.ended`.' }),
  companyId: Uuid,
  entityType: Type.String(),
  entityId: Type.String(),
  data: Type.Unsafe<Activity | OperationState>({ anyOf: [ref(Activity), ref(OperationState)], description: 'An activity, with its actor; of operations (`entityType` is `workspace_operation`) their state.' }),
  createdAt: Timestamp
}, { $id: 'CompanyEvent', description: 'Something that happened in a company; written in the transaction that did it.' })

const eventId = '[0-9]{1,19}-[0-9]{1,19}'

/** A name, or a prefix that ends with a dot; several separated by commas. */
const namePattern = '[a-z][a-z0-9_]{0,60}(\\.[a-z0-9_]{0,60})?'
export const Names = Type.String({ pattern: `^${namePattern}(,${namePattern}){0,49}$`, maxLength: 4000 })

export const EventsQuery = Type.Object({
  after: Type.Optional(Type.String({ pattern: `^${eventId}$`, description: 'Go on behind this event; as `Last-Event-ID`, for who can\'t send headers.' })),
  from: Type.Optional(stringEnum(['start', 'now'], { description: 'Where to begin without `after`: with the oldest event that is kept, or with what is still to come (`now`, unless given).' })),
  types: Type.Optional({ ...Names, description: 'Only these types, separated by commas; one that ends with a dot is a prefix: `execution_workspace.`.' })
}, closed)

export const EventsHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ pattern: `^${eventId}$`, description: 'The id of the last event that was received; goes before the query.' }))
})

const filterText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))
const filterId = (description: string) => Type.Optional({ ...Uuid, description })

export const ActivityQuery = Type.Object({
  limit: Limit,
  cursor: Cursor,
  action: Type.Optional({ ...Names, description: 'Only these actions, separated by commas; one that ends with a dot is a prefix: `execution_workspace.`.' }),
  entityType: filterText('Only what was done to things of this type, such as `execution_workspace`.'),
  entityId: filterText('Only what was done to this thing.'),
  actorId: filterText('Only what this person (or agent) did.'),
  agentId: filterId('Only what this agent did.'),
  runId: filterId('Only what was done in this run.'),
  keyId: filterId('Only what was done with this API key.'),
  since: Type.Optional({ ...Timestamp, description: 'Only from this time on.' }),
  until: Type.Optional({ ...Timestamp, description: 'Only before this time.' })
}, closed)

export type ActivityQuery = Static<typeof ActivityQuery>
export type OperationState = Static<typeof OperationState>
export type CompanyEvent = Static<typeof CompanyEvent>
export type EventsQuery = Static<typeof EventsQuery>
