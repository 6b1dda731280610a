/** Where a webhook may be sent: what its URL must be like, and names resolved to addresses that were looked at. */
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './addresses.ts'
import { resolveName, type Resolve } from './names.ts'

/** A place messages may not be sent to; the message is for the person who asked. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused'
}

const onlyPublic = 'Webhooks go to public addresses only; BERTH_WEBHOOK_ALLOW_PRIVATE=true allows others.'

/** The host of a URL without the brackets of IPv6. */
export function hostOf ({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/**
 * Checks what can be seen without asking a name server. The parser has made a plain address of every way to write one.
 * @throws TargetRefused
 */
export function checkTarget (text: string, { allowPrivate }: { allowPrivate: boolean }): URL {
  const url = URL.parse(text)
  if (url === null) throw new TargetRefused('This is not a URL.')
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    throw new TargetRefused(`The URL must begin with https://${allowPrivate ? ' or http://' : '; BERTH_WEBHOOK_ALLOW_PRIVATE=true allows http:// too'}.`)
  }
  if (url.username !== '' || url.password !== '') throw new TargetRefused('The URL must not hold a user or a password: it is shown to whoever may see the webhook.')
  if (url.hash !== '') throw new TargetRefused('The URL must not have a fragment (#): it would never be sent.')
  if (allowPrivate) return url
  const host = hostOf(url)
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new TargetRefused(`${host} is not a public address. ${onlyPublic}`)
  if (/(^|\.)localhost\.?$/i.test(host)) throw new TargetRefused(`${host} is this machine. ${onlyPublic}`)
  return url
}

/**
 * The `lookup` of a connection: it is made to an address that was checked here, so a name that answers
 * differently the second time gains nothing. One address that is not public refuses the name altogether.
 */
export function guardedLookup ({ allowPrivate, resolve = resolveName }: { allowPrivate: boolean, resolve?: Resolve }): LookupFunction {
  return (name, { all = false }, done) => {
    resolve(name).then(addresses => {
      const refused = allowPrivate ? undefined : addresses.find(({ address }) => !isPublicAddress(address))
      const [first] = addresses
      if (first === undefined) return done(new TargetRefused(`${name} has no address.`), '')
      if (refused !== undefined) return done(new TargetRefused(`${name} is at ${refused.address}, which is not a public address. ${onlyPublic}`), '')
      return all ? done(null, addresses) : done(null, first.address, first.family)
    }, (error: NodeJS.ErrnoException) => done(error, ''))
  }
}
