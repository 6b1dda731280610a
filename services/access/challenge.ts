/** How nobody, and a credential that does not hold, are answered (RFC 6750, 3). */
import { Unauthenticated } from '../errors.ts'

const realm = 'Bearer realm="berth"'

/** The 401 where somebody is needed and no credential came. */
export function nobodyThere (): Error {
  return new Unauthenticated('This needs somebody: send `Authorization: Bearer …`.', { headers: { 'www-authenticate': realm } })
}

/**
 * The 401 for a credential that does not hold.
 * @param why one sentence for whoever sent it: printable ASCII without quotes and backslashes, as RFC 6750 wants it
 */
export function invalidToken (why: string, cause?: unknown): Error {
  return new Unauthenticated(why, { headers: { 'www-authenticate': `${realm}, error="invalid_token", error_description="${why}"` }, cause })
}
