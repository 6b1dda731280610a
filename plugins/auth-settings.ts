/** The settings of who may come in, made from the environment: the key of tokens, the gateway, the proxies that are believed. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import type { GatewaySettings } from '../services/access/gateway-identity.ts'
import { algorithmsOf, type JwtKey, type JwtSettings } from '../services/access/jwt.ts'
import { badSetting, ConfigError } from './config-error.ts'
import type { Environment } from './config-schema.ts'

/** HS256 is as strong as its secret: RFC 7518, 3.2 asks for as many bytes as the hash has. */
const minSecretBytes = 32

/**
 * How JWTs are checked; null when no key is set, so that API keys alone are taken.
 * @throws ConfigError for two keys, a weak secret, a PEM that is no public key
 */
export function jwtSettings (values: Environment): JwtSettings | null {
  const given = ([['BERTH_JWKS_URL', jwksKey], ['BERTH_JWT_SECRET', secretKey], ['BERTH_JWT_PUBLIC_KEY', publicKey]] as const)
    .filter(([name]) => values[name] !== undefined)
  const [first, second] = given
  if (second !== undefined) throw new ConfigError(`${given.map(([name]) => name).join(' and ')} are both set; tokens are checked with one of them. See npm start -- --help.`)
  if (first === undefined) return null
  const [name, keyOf] = first
  return {
    key: keyOf(values[name] ?? ''),
    issuer: values.BERTH_JWT_ISSUER ?? null,
    audience: values.BERTH_JWT_AUDIENCE ?? null,
    claim: values.BERTH_JWT_CLAIM,
    clockSkewSec: values.BERTH_JWT_CLOCK_SKEW_SEC
  }
}

function jwksKey (url: string): JwtKey {
  if (!URL.canParse(url)) throw badSetting('BERTH_JWKS_URL', url)
  return { kind: 'jwks', url }
}

function secretKey (text: string): JwtKey {
  return { kind: 'secret', secret: strongSecret('BERTH_JWT_SECRET', text) }
}

function strongSecret (name: string, text: string): Uint8Array {
  const secret = Buffer.from(text, 'utf8')
  if (secret.length < minSecretBytes) throw badSetting(name, text)
  return secret
}

function publicKey (text: string): JwtKey {
  const key = publicKeyOf(text)
  const algorithms = key === null ? [] : algorithmsOf(key)
  if (key === null || algorithms.length === 0) throw badSetting('BERTH_JWT_PUBLIC_KEY', '')
  return { kind: 'public', key, algorithms }
}

/** A file of variables holds a PEM in one line, with `\n` for its ends of lines. */
function publicKeyOf (text: string): KeyObject | null {
  // Node would make the public key of a private one; that belongs to who signs, and nowhere else.
  if (/PRIVATE KEY/.test(text)) return null
  try {
    return createPublicKey(text.replaceAll('\\n', '\n'))
  } catch {
    // What is wrong with it is said by what it must be.
    return null
  }
}

/**
 * The gateway that says who is asking; null when there is none.
 * @throws ConfigError when one of the two settings is missing, or wrong
 */
export function gatewaySettings ({ BERTH_GATEWAY_SECRET: secret, BERTH_GATEWAY_ADDRESSES: addresses }: Environment): GatewaySettings | null {
  if (secret === undefined && addresses === undefined) return null
  if (secret === undefined) throw new ConfigError('BERTH_GATEWAY_ADDRESSES is set, but BERTH_GATEWAY_SECRET is not; a gateway needs both. See npm start -- --help.')
  if (addresses === undefined) throw new ConfigError('BERTH_GATEWAY_SECRET is set, but BERTH_GATEWAY_ADDRESSES is not; a gateway needs both. See npm start -- --help.')
  return { secret: strongSecret('BERTH_GATEWAY_SECRET', secret), addresses: addressList('BERTH_GATEWAY_ADDRESSES', addresses) }
}

/**
 * Whose `X-Forwarded-*` headers are believed. A number of hops is not taken: it can't tell a proxy from whoever else reaches the port.
 * @throws ConfigError
 */
export function trustedProxies (text: string): boolean | string[] {
  if (/^(true|yes|on)$/i.test(text)) return true
  if (/^(false|no|off)$/i.test(text)) return false
  return addressList('BERTH_TRUST_PROXY', text)
}

function addressList (name: string, text: string): string[] {
  const list = text.split(',').map(one => one.trim()).filter(one => one !== '')
  // `10.1` is an address to some readers and a mistake to most.
  const fits = (one: string) => ipaddr.isValidCIDR(one) || ipaddr.IPv6.isValid(one) || ipaddr.IPv4.isValidFourPartDecimal(one)
  if (list.length === 0 || !list.every(fits)) throw badSetting(name, text)
  return list
}
