/** API keys: whose they are, how long they hold, when they were last used; the key itself only when it is made. */
import { Type, type Static } from '@sinclair/typebox'
import { closed, Name, nullableEnum, nullableString, NullableTimestamp, NullableUuid, stringEnum, Timestamp, Uuid } from './kit.ts'

export const keyActorTypes = ['agent', 'board'] as const
export const keyRoles = ['owner', 'admin', 'member', 'viewer'] as const

export const ApiKeyParams = Type.Object({ companyId: Uuid, keyId: Uuid }, closed)

const KeyName = { ...Name, description: 'What it is for, for whoever sees it in the list.' }
const ActorType = stringEnum(keyActorTypes, { description: '`agent`: who shows it is the agent `agentId`. `board`: the person `userId`, with `role` in this company and in no other.' })
const AgentId = { ...NullableUuid, description: 'Of a key with `actorType` `agent`.' }
const UserId = nullableString({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]*$', description: 'Of a key with `actorType` `board`.' })
const Role = nullableEnum(keyRoles, { description: 'Of a key with `actorType` `board`; never above the role of who makes it.' })

const apiKeyFields = {
  id: Uuid,
  companyId: Uuid,
  name: KeyName,
  prefix: Type.String({ description: 'The beginning of the key, by which to know it.' }),
  actorType: ActorType,
  agentId: AgentId,
  userId: UserId,
  role: Role,
  createdBy: nullableString({ description: 'The person who made it; null for one from the command line.' }),
  expiresAt: { ...NullableTimestamp, description: 'From then on it is refused; null for never.' },
  lastUsedAt: { ...NullableTimestamp, description: 'To the minute; null when it was never used.' },
  revokedAt: { ...NullableTimestamp, description: 'Since then it is refused.' },
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const ApiKey = Type.Object(apiKeyFields, { $id: 'ApiKey', description: 'A key with which an agent or a person gets in.' })

export const ApiKeyWithSecret = Type.Object({
  ...apiKeyFields,
  key: nullableString({ description: 'The key: `berth_`, 30 random characters, and their CRC-32 in base 62. It is never shown again: null in an answer that is repeated for an `Idempotency-Key`.' })
}, { $id: 'ApiKeyWithSecret', description: 'A new key, the only time that it is shown.' })

export const CreateApiKeyBody = Type.Object({
  name: KeyName,
  actorType: ActorType,
  agentId: Type.Optional(AgentId),
  userId: Type.Optional(UserId),
  role: Type.Optional(Role),
  expiresAt: Type.Optional({ ...NullableTimestamp, description: 'When it ends; null or absent for never.' })
}, { $id: 'CreateApiKeyBody', ...closed })

export type ApiKey = Static<typeof ApiKey>
export type ApiKeyWithSecret = Static<typeof ApiKeyWithSecret>
export type CreateApiKeyBody = Static<typeof CreateApiKeyBody>
