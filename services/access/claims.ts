/** What a token says about its holder: its claims, checked once, become an actor. */
import { Type, type Static } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { uuidPattern } from '../../openapi/schemas/kit.ts'
import { membershipRoles, membershipStatuses, type Actor } from './actor.ts'

const Id = Type.String({ pattern: uuidPattern })
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))
const oneOf = <T extends string>(values: readonly T[]) => Type.Union(values.map(value => Type.Literal(value)))

// Other members are left to newer versions; those of the other kind of actor say nothing.
const BoardClaims = Type.Object({
  actor: Type.Literal('board'),
  instanceAdmin: nullable(Type.Boolean()),
  memberships: nullable(Type.Array(Type.Object({ companyId: Id, role: oneOf(membershipRoles), status: oneOf(membershipStatuses) }), { maxItems: 1000 }))
})
const AgentClaims = Type.Object({ actor: Type.Literal('agent'), companyId: Id, runId: nullable(Id) })
const Claims = Type.Union([BoardClaims, AgentClaims])
type Claims = Static<typeof Claims>

// Kept as text in the activity: what a database can not hold, or a person can not read, is no id.
const UserId = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]*$' })

const claimsCheck = TypeCompiler.Compile(Claims)
const agentIdCheck = TypeCompiler.Compile(Id)
const userIdCheck = TypeCompiler.Compile(UserId)

/** Claims that name nobody; the message is a sentence for whoever sent them. */
export class UnusableClaims extends Error {
  override readonly name = 'UnusableClaims'
}

/**
 * The actor that claims name.
 * @param subject the claim `sub`: the user's id, or the agent's
 * @param claims the object that says what it may do
 * @param claimName what that object is called, for the message
 * @throws UnusableClaims
 */
export function actorOfClaims (subject: unknown, claims: unknown, claimName: string): Actor {
  if (!claimsCheck.Check(claims)) throw new UnusableClaims(`The claim ${plain(claimName)} of the token does not say who its holder is${placeIn(claims)}.`)
  return claims.actor === 'agent' ? agentOf(subject, claims) : boardOf(subject, claims)
}

function agentOf (subject: unknown, { companyId, runId }: Extract<Claims, { actor: 'agent' }>): Actor {
  if (!agentIdCheck.Check(subject)) throw new UnusableClaims('The subject of the token is not the id of an agent.')
  return { type: 'agent', agentId: subject.toLowerCase(), companyId: companyId.toLowerCase(), runId: runId?.toLowerCase() ?? null }
}

function boardOf (subject: unknown, { instanceAdmin, memberships }: Extract<Claims, { actor: 'board' }>): Actor {
  if (!userIdCheck.Check(subject) || !subject.isWellFormed()) throw new UnusableClaims('The subject of the token is not the id of a user.')
  return { type: 'board', userId: subject, instanceAdmin: instanceAdmin ?? false, memberships: memberships ?? [] }
}

/** Where the first mistake is, in words a header can hold. */
function placeIn (claims: unknown): string {
  const kind = typeof claims === 'object' && claims !== null && 'actor' in claims ? claims.actor : undefined
  const schema = kind === 'board' ? BoardClaims : kind === 'agent' ? AgentClaims : null
  if (schema === null) return ': its actor is neither board nor agent'
  const path = TypeCompiler.Compile(schema).Errors(claims).First()?.path ?? ''
  return path === '' ? '' : `: ${plain(path.slice(1))} is wrong`
}

/** Header texts are printable ASCII without quotes and backslashes. */
function plain (text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
