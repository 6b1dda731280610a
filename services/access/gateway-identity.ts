/** Who is asking, as a gateway in front says it: a header it signs, taken from its own addresses alone. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { Actor } from './actor.ts'
import { invalidToken } from './challenge.ts'
import { actorOfClaims, UnusableClaims } from './claims.ts'

export interface GatewaySettings {
  secret: Uint8Array
  /** Addresses and networks (CIDR) of the gateway. */
  addresses: readonly string[]
}

/** What of a request the identity is about. */
export interface SignedRequest {
  /** `t=<seconds since 1970>,c=<claims: base64url of JSON>,s=<HMAC-SHA256, hex>` */
  header: string
  method: string
  /** Path and query as the gateway sent them. */
  url: string
  /** The other end of the connection, whatever headers say. */
  address: string | undefined
}

/** Within this time of its making a header is taken: clocks differ, and requests wait. */
const holdsForSec = 60
/** The member of the claims that says what the person or agent may do, as in a token. */
const claim = 'berth'

/** What the gateway signs. The method and the URL are in it, so that what was said for one request says nothing for another. */
export function signIdentity (secret: Uint8Array, { at, method, url, claims }: { at: number, method: string, url: string, claims: string }): string {
  return createHmac('sha256', secret).update(`berth-identity\n${at}\n${method}\n${url}\n${claims}`).digest('hex')
}

/**
 * Reads such headers.
 * @returns a function that gives the actor; it throws Unauthenticated (401) for a header that does not hold
 */
export function createGatewayReader ({ secret, addresses }: GatewaySettings, now: () => number = Date.now): (request: SignedRequest) => Actor {
  const isGateway = addressMatcher(addresses)
  return ({ header, method, url, address }) => {
    if (address === undefined || !isGateway(address)) throw invalidToken('X-Berth-Identity is taken from the gateway alone.')
    const [, at = '', claims = '', signature = ''] = /^t=(\d{1,12}),c=([\w-]+),s=([0-9a-f]{64})$/.exec(header) ?? []
    const expected = signIdentity(secret, { at: Number(at), method, url, claims })
    if (signature === '' || !timingSafeEqual(Buffer.from(signature, 'hex'), Buffer.from(expected, 'hex'))) throw invalidToken('The signature of X-Berth-Identity is wrong.')
    if (Math.abs(now() / 1000 - Number(at)) > holdsForSec) throw invalidToken('X-Berth-Identity is too old, or of a clock that is ahead.')
    return actorFrom(claims)
  }
}

function actorFrom (encoded: string): Actor {
  try {
    const claims = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Record<string, unknown> | null
    return actorOfClaims(claims?.['sub'], claims?.[claim], claim)
  } catch (error) {
    if (error instanceof UnusableClaims || error instanceof SyntaxError) throw invalidToken('The claims of X-Berth-Identity name nobody.', error)
    throw error
  }
}

/** Tells whether an address is one of the list's, or in one of its networks. */
export function addressMatcher (list: readonly string[]): (address: string) => boolean {
  const networks = list.map(one => one.includes('/') ? ipaddr.parseCIDR(one) : single(one))
  return address => {
    if (!ipaddr.isValid(address)) return false
    // An IPv4 client of a socket for both kinds comes as ::ffff:1.2.3.4.
    const found = ipaddr.process(address)
    return networks.some(([network, bits]) => network.kind() === found.kind() && found.match(network, bits))
  }
}

function single (text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
