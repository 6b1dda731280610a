/** Who is asking, by what a request shows: a gateway's word, an API key, a token, or nothing. */
import { uuidPattern } from '../../openapi/schemas/kit.ts'
import { agentIsTerminated } from '../../db/api-keys.ts'
import type { Db } from '../../db/client.ts'
import { Forbidden, InvalidInput } from '../errors.ts'
import { localBoard, type Actor, type AgentActor } from './actor.ts'
import { looksLikeKey } from './api-key-text.ts'
import { invalidToken } from './challenge.ts'
import type { SignedRequest } from './gateway-identity.ts'
import type { KeyLogin } from './key-login.ts'
import type { Remembered } from './remembered.ts'
import { terminatedAgent } from './terminated.ts'
import type { VerifyToken } from './jwt.ts'

/** What of a request says who is asking. */
export interface Shown extends Omit<SignedRequest, 'header'> {
  authorization: string | undefined
  /** `X-Berth-Identity` */
  identity: string | undefined
  /** `X-Run-Id` */
  runId: string | undefined
}

export interface CredentialsDeps {
  db: Db
  mode: 'local' | 'token'
  keys: KeyLogin
  remembered: Pick<Remembered, 'recall'>
  /** null: JWTs are not taken. */
  verifyToken: VerifyToken | null
  /** null: there is no gateway, and its header says nothing. */
  readIdentity: ((request: SignedRequest) => Actor) | null
}

/**
 * Makes the function that tells who is asking. A gateway goes first: what else its clients send is meant for it.
 * In mode `local` a request that shows nothing is the local person's, and tokens of other systems count as nothing.
 * It throws Unauthenticated (401), Forbidden (403) for agents that were terminated or speak for another run,
 * InvalidInput (400) for a run that is no id, Unavailable (503) when the issuer's keys can't be had.
 */
export function createCredentials ({ db, mode, keys, remembered, verifyToken, readIdentity }: CredentialsDeps): (shown: Shown) => Promise<Actor> {
  async function ofToken (token: string | null): Promise<Actor | null> {
    if (token === null && mode === 'local') return null
    if (token === null) throw invalidToken('The Authorization header holds no token.')
    if (looksLikeKey(token)) return await keys.login(token)
    if (verifyToken !== null) return await standing(await verifyToken(token))
    if (mode === 'local') return null
    throw invalidToken('Only API keys are taken here.')
  }

  /** A token may outlive the agent it is for. */
  async function standing (actor: Actor): Promise<Actor> {
    if (actor.type !== 'agent') return actor
    const { companyId, agentId } = actor
    const name = `agent:${agentId}`
    const terminated = await remembered.recall(`${name} of ${companyId}`, async () => await agentIsTerminated(db, companyId, agentId), found => found ? null : [name])
    if (terminated) throw terminatedAgent()
    return actor
  }

  return async shown => {
    const { authorization, identity, runId } = shown
    const actor = readIdentity !== null && identity !== undefined
      ? await standing(readIdentity({ ...shown, header: identity }))
      : await ofAuthorization(authorization, ofToken)
    if (actor === null) return mode === 'local' ? localBoard : { type: 'none' }
    return actor.type === 'agent' && runId !== undefined ? inRun(actor, runId) : actor
  }
}

/** Null for no header and for other schemes, which say nothing to this service. */
async function ofAuthorization (header: string | undefined, ofToken: (token: string | null) => Promise<Actor | null>): Promise<Actor | null> {
  if (!/^bearer\b/i.test(header ?? '')) return null
  return await ofToken(/^bearer +([\w.~+/-]+=*) *$/i.exec(header ?? '')?.[1] ?? null)
}

const uuid = new RegExp(uuidPattern)

/** The run an agent says it works for; a token that names one is good for no other. */
function inRun (actor: AgentActor, runId: string): AgentActor {
  if (!uuid.test(runId)) throw new InvalidInput('X-Run-Id must be the id of a run (a UUID).', { members: { errors: [{ pointer: '#/headers/x-run-id', message: 'must be a UUID' }] } })
  if (actor.runId !== null && actor.runId !== runId.toLowerCase()) throw new Forbidden('The token is for another run than X-Run-Id names.')
  return { ...actor, runId: runId.toLowerCase() }
}
