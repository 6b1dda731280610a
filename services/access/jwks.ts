/** The keys of a token issuer, fetched from its JWK set (RFC 7517) when they are needed, and again when they change. */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'

/** The keys can't be had: whether a token is good can not be told now. */
export class KeysUnreachable extends Error {
  override readonly name = 'KeysUnreachable'
}

export interface JwksOptions {
  now?: () => number
  /** Told of a set that could not be fetched while the one from before still serves. */
  onStale?: (error: unknown) => void
}

// An issuer announces a key some time before it signs with it; one that was withdrawn is believed no longer than this.
const renewAfterMs = 600_000
// Longer than this an issuer that is away is not believed to be the one from before.
const staleAfterMs = 3_600_000
const timeoutMs = 5000
// Tokens can name keys at will: a few unknown names in a row are looked up at once, after them one in a while.
const lookUpsAtOnce = 3
const lookUpEveryMs = 10_000

/**
 * For `jwtVerify`. A set older than ten minutes is renewed beside the requests; a key it does not have is looked for
 * at once, but not more often than the issuer can bear.
 * @throws KeysUnreachable, and jose's JWKSNoMatchingKey (from the function)
 */
export function createJwks (url: string, { now = Date.now, onStale = () => {} }: JwksOptions = {}): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { cacheMaxAge: Infinity, cooldownDuration: Infinity, timeoutDuration: timeoutMs })
  const mayLookUp = createAllowance(now)
  let [fetchedAt, triedAt] = [-Infinity, -Infinity]

  async function reload (): Promise<void> {
    triedAt = now()
    try {
      await remote.reload()
    } catch (error) {
      throw new KeysUnreachable('The keys of the token issuer can not be fetched.', { cause: error })
    }
    fetchedAt = now()
  }

  async function refresh (): Promise<void> {
    const age = now() - fetchedAt
    if (age > staleAfterMs) await reload()
    else if (age > renewAfterMs && now() - triedAt > lookUpEveryMs) reload().catch(onStale)
  }

  return async (header, token) => {
    await refresh()
    try {
      return await remote(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayLookUp()) throw error
      await reload()
      return await remote(header, token)
    }
  }
}

/** A bucket that holds a few and is filled one at a time. */
function createAllowance (now: () => number): () => boolean {
  let [left, since] = [lookUpsAtOnce, now()]
  return () => {
    const gained = Math.floor((now() - since) / lookUpEveryMs)
    left = Math.min(lookUpsAtOnce, left + gained)
    since += gained * lookUpEveryMs
    if (left === 0) return false
    left--
    return true
  }
}
