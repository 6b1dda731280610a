/** Entity tags (RFC 9110, 8.8.3): what a client has seen of a resource, and whether that is still so. */
import { createHash } from 'node:crypto'
import { PreconditionFailed } from './errors.ts'

/** What a change is only made for. */
export interface Conditions {
  /** `If-Match`: only while the resource is as one of these tags says; `*`: only when there is one. */
  ifMatch?: string | undefined
  /** `If-None-Match`: only while it is as none of these tags says; `*`: only when there is none. */
  ifNoneMatch?: string | undefined
}

/**
 * The strong tag of a resource as it is shown: a digest of its content, behind its version where it counts one.
 * The version changes with what clients may change, the digest also with what is merely shown (such as its services).
 */
export function entityTag (resource: object): string {
  const digest = createHash('sha256').update(JSON.stringify(resource)).digest('base64url').slice(0, 22)
  return 'version' in resource && typeof resource.version === 'number' ? `"${resource.version}-${digest}"` : `"${digest}"`
}

/** True when `If-None-Match` names the tag, weakly or not (weak comparison, RFC 9110, 13.1.2), or is `*`. */
export function namesTag (header: string, tag: string): boolean {
  return header.trim() === '*' || tagsIn(header).some(one => one.replace(/^W\//, '') === tag)
}

/** True when the header is absent, is `*`, or names the version of a tag: what is merely shown may be another by now. */
export function namesVersion (ifMatch: string | undefined, version: number): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true
  return tagsIn(ifMatch).some(tag => tag === `"${version}"` || tag.startsWith(`"${version}-`))
}

/**
 * @param current the resource as it is now; undefined: there is none
 * @throws PreconditionFailed (412)
 */
export function requireConditions ({ ifMatch, ifNoneMatch }: Conditions, current: object | undefined): void {
  if (ifMatch === undefined && ifNoneMatch === undefined) return
  const tag = current === undefined ? null : entityTag(current)
  if (ifMatch !== undefined && (tag === null || !strongly(ifMatch, tag))) throw changedSince(tag !== null)
  if (ifNoneMatch !== undefined && tag !== null && namesTag(ifNoneMatch, tag)) throw new PreconditionFailed('There is one already, and If-None-Match says that there must not be.')
}

/** The 412 of a change that was meant for another state of the resource. */
export function changedSince (isThere = true): Error {
  return new PreconditionFailed(isThere ? 'It was changed since you read it; read it again.' : 'There is none, and If-Match says that there must be.')
}

/** `If-Match` compares strongly (RFC 9110, 13.1.1): a weak tag names nothing. */
function strongly (header: string, tag: string): boolean {
  return header.trim() === '*' || tagsIn(header).includes(tag)
}

function tagsIn (header: string): string[] {
  return header.split(',').map(tag => tag.trim())
}
