/** Looks names up, so that a name server that does not answer holds up nobody but its own names. */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns'

export type Resolve = (name: string) => Promise<LookupAddress[]>

export interface ResolverOptions {
  lookup?: Resolve
  /** Milliseconds of a clock that is never set back. */
  clock?: () => number
}

/** A lookup that fails after so long kept one of the few threads there are for lookups (two, with Node's four) from all others. */
const slowMs = 2_000
/** Until it is asked for again such a name fails at once; the pauses between the tries of a message are mostly longer. */
const avoidedMs = 60_000

/** By the machine's own resolver, as any program would. */
export const resolveName: Resolve = async name => await new Promise((resolve, reject) => {
  dnsLookup(name, { all: true }, (error, addresses) => error === null ? resolve(addresses) : reject(error))
})

/** Of many who ask for one name at once, one asks for all; a name that failed slowly fails at once for a while. */
export function createResolver ({ lookup = resolveName, clock = () => performance.now() }: ResolverOptions = {}): Resolve {
  const underWay = new Map<string, Promise<LookupAddress[]>>()
  const avoided = new Map<string, { until: number, error: unknown }>()

  async function begin (name: string): Promise<LookupAddress[]> {
    const begunAt = clock()
    try {
      return await lookup(name)
    } catch (error) {
      const now = clock()
      for (const [other, { until }] of avoided) if (until <= now) avoided.delete(other)
      if (now - begunAt >= slowMs) avoided.set(name, { until: now + avoidedMs, error })
      throw error
    } finally {
      underWay.delete(name)
    }
  }

  return async name => {
    const failed = avoided.get(name)
    if (failed !== undefined && clock() < failed.until) throw failed.error
    const running = underWay.get(name) ?? begin(name)
    underWay.set(name, running)
    return await running
  }
}
