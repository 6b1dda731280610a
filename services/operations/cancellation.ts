/** Who cancelled an operation, and the reason it is told to end with. */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { keyIdOf, type Actor } from '../access/actor.ts'
import { OperationCancelled } from '../errors.ts'

const Canceller = Type.Object({
  type: Type.Union([Type.Literal('board'), Type.Literal('agent'), Type.Literal('system')]),
  id: Type.Union([Type.String(), Type.Null()]),
  runId: Type.Union([Type.String(), Type.Null()]),
  /** The API key that was shown; absent when it was none. */
  keyId: Type.Optional(Type.String())
})

/** As it is stored with a request and shown in the metadata: kind, id and key, nothing else of the actor. */
export type Canceller = Static<typeof Canceller>

/** @throws TypeError for nobody: who is not known cancels nothing */
export function cancellerOf (actor: Actor): Canceller {
  const keyId = keyIdOf(actor)
  const key = keyId === null ? {} : { keyId }
  switch (actor.type) {
    case 'board': return { type: 'board', id: actor.userId, runId: null, ...key }
    case 'agent': return { type: 'agent', id: actor.agentId, runId: actor.runId, ...key }
    case 'system': return { type: 'system', id: null, runId: null }
    case 'none': throw new TypeError('an actor of type "none" can not cancel an operation')
  }
}

/** Reads what another host has stored; the service itself where that can't be read. */
export function readCanceller (stored: unknown): Canceller {
  return Value.Check(Canceller, stored) ? stored : { type: 'system', id: null, runId: null }
}

/** The actor to write in the activity, for the company the operation belongs to. */
export function actorOf ({ type, id, runId, keyId }: Canceller, companyId: string): Actor {
  const key = keyId === undefined ? {} : { keyId }
  if (type === 'board') return { type, userId: id ?? '', instanceAdmin: false, memberships: [], ...key }
  return type === 'agent' ? { type, agentId: id ?? '', companyId, runId, ...key } : { type: 'system' }
}

function words ({ type, id, runId }: Canceller): string {
  if (type === 'system') return 'the service itself'
  return `${type === 'board' ? 'the person' : 'the agent'} ${id ?? 'unknown'}${runId === null ? '' : `, run ${runId}`}`
}

/** The reason an operation is aborted with when somebody cancels it; for its log and for those who wait for it. */
export class Cancellation extends OperationCancelled {
  readonly by: Canceller
  constructor (by: Canceller, operationId: string) {
    super(`It was cancelled by ${words(by)}.`, { members: { operationId } })
    this.by = by
  }
}
