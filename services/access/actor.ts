/** Who is asking: nobody, a person (board), an agent, or the service itself. */

export const membershipRoles = ['owner', 'admin', 'member', 'viewer'] as const
export const membershipStatuses = ['active', 'invited', 'suspended'] as const

export interface Membership {
  companyId: string
  role: typeof membershipRoles[number]
  status: typeof membershipStatuses[number]
}

export interface NoActor { type: 'none' }

/** What a credential adds to who showed it. */
interface ByCredential {
  /** The API key that was shown. */
  keyId?: string
  /** When the credential ends; absent: it does not by itself. */
  validUntil?: Date
}

export interface BoardActor extends ByCredential {
  type: 'board'
  userId: string
  instanceAdmin: boolean
  memberships: readonly Membership[]
}

export interface AgentActor extends ByCredential {
  type: 'agent'
  agentId: string
  companyId: string
  runId: string | null
}

/** The service acting on its own: start-up recovery, the sweeper. Never made from a request. */
export interface SystemActor { type: 'system' }

export type Actor = NoActor | BoardActor | AgentActor | SystemActor

/** The implicit person of mode `local`. */
export const localBoard: BoardActor = { type: 'board', userId: 'local', instanceAdmin: true, memberships: [] }

export const systemActor: SystemActor = { type: 'system' }

/** One name for one actor, in all its requests. An API key has one of its own: the name of its user is the word of whoever made it. */
export function actorKey (actor: Actor): string {
  const keyId = keyIdOf(actor)
  if (keyId !== null) return `key:${keyId}`
  switch (actor.type) {
    case 'board': return `board:${actor.userId}`
    case 'agent': return `agent:${actor.agentId}`
    default: return actor.type
  }
}

/** The orchestrator's run an actor works for, if it named one. */
export function runIdOf (actor: Actor): string | null {
  return actor.type === 'agent' ? actor.runId : null
}

/** The API key an actor showed, if it was one. */
export function keyIdOf (actor: Actor): string | null {
  return 'keyId' in actor ? actor.keyId ?? null : null
}
