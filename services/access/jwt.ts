/** JSON web tokens (RFC 7519): who signed them, whether they hold now and here, and who they speak of. */
import type { KeyObject } from 'node:crypto'
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { Unavailable } from '../errors.ts'
import type { Actor } from './actor.ts'
import { invalidToken } from './challenge.ts'
import { actorOfClaims, UnusableClaims } from './claims.ts'
import { createJwks, KeysUnreachable, type JwksOptions } from './jwks.ts'

export type JwtKey =
  | { kind: 'jwks', url: string }
  | { kind: 'secret', secret: Uint8Array }
  | { kind: 'public', key: KeyObject, algorithms: readonly string[] }

export interface JwtSettings {
  key: JwtKey
  /** null: not looked at, as for the audience. */
  issuer: string | null
  audience: string | null
  /** The claim that holds what the holder may do. */
  claim: string
  clockSkewSec: number
}

/**
 * Who a token speaks of, and until when.
 * @throws Unauthenticated with `WWW-Authenticate` (401) for a token that does not hold, Unavailable (503) when the issuer's keys can't be had
 */
export type VerifyToken = (token: string) => Promise<Actor>

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const curves: Record<string, string> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }
const minRsaBits = 2048

/** The algorithms a public key may be used with; empty for one that is too weak, or of a kind tokens are not signed with. */
export function algorithmsOf ({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string[] {
  if (type !== 'public') return []
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits ? rsa : []
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519']
  const curve = asymmetricKeyType === 'ec' ? curves[asymmetricKeyDetails?.namedCurve ?? ''] : undefined
  return curve === undefined ? [] : [curve]
}

/**
 * Which algorithms are taken follows from the kind of key alone, never from the token: so neither `none` nor a public key
 * used as the secret of a MAC gets anywhere (RFC 8725, 3.1).
 */
function keyAndAlgorithms (key: JwtKey, options: JwksOptions): { getKey: JWTVerifyGetKey, algorithms: string[] } {
  switch (key.kind) {
    case 'jwks': return { getKey: createJwks(key.url, options), algorithms: [...rsa, ...Object.values(curves), 'EdDSA', 'Ed25519'] }
    case 'secret': return { getKey: async () => key.secret, algorithms: ['HS256'] }
    case 'public': return { getKey: async () => key.key, algorithms: [...key.algorithms] }
  }
}

/** Checks tokens as the settings say. */
export function createTokenVerifier ({ key, issuer, audience, claim, clockSkewSec }: JwtSettings, options: JwksOptions = {}): VerifyToken {
  const { getKey, algorithms } = keyAndAlgorithms(key, options)
  const checks = {
    algorithms,
    requiredClaims: ['exp'],
    clockTolerance: clockSkewSec,
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience })
  }
  return async token => {
    const payload = await verified(async () => (await jwtVerify(token, getKey, checks)).payload)
    return withEnd(actorOf(payload, claim), payload.exp ?? 0, clockSkewSec)
  }
}

async function verified (verify: () => Promise<JWTPayload>): Promise<JWTPayload> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof KeysUnreachable) throw new Unavailable('The keys of the token issuer can not be fetched, so tokens can not be checked. Try again soon.', { headers: { 'retry-after': '5' }, cause: error })
    throw invalidToken(whatIsWrong(error), error)
  }
}

function actorOf (payload: JWTPayload, claim: string): Actor {
  try {
    return actorOfClaims(payload.sub, Object.hasOwn(payload, claim) ? payload[claim] : undefined, claim)
  } catch (error) {
    if (error instanceof UnusableClaims) throw invalidToken(error.message, error)
    throw error
  }
}

/** A date further away than these can hold is as good as never. */
const maxDateMs = 8.64e15

function withEnd (actor: Actor, expSec: number, clockSkewSec: number): Actor {
  return { ...actor, validUntil: new Date(Math.min((expSec + clockSkewSec) * 1000, maxDateMs)) } as Actor
}

const claimsInWords: Record<string, string> = {
  nbf: 'The token is not valid yet.',
  aud: 'The token is for another audience.',
  iss: 'The token is of another issuer.',
  exp: 'The token does not say when it expires.'
}

/** One sentence for whoever sent the token; it tells nothing they could not read in it. */
function whatIsWrong (error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) return claimsInWords[error.claim] ?? 'A claim of the token is wrong.'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token is signed in a way that is not accepted here.'
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey) return 'The signature of the token is not one of a known key.'
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'The token does not name its key (kid), and several could be meant.'
  return 'The token can not be read.'
}
