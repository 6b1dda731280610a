/** Who may do what in a company: pure decisions, and the two ways of saying no. */
import { Forbidden, NotFound } from '../errors.ts'
import type { Actor } from './actor.ts'
import { nobodyThere } from './challenge.ts'

export const accessLevels = ['none', 'read', 'write', 'admin'] as const
export type AccessLevel = typeof accessLevels[number]

/** What a row belongs to, as the database or as the API spells it. */
export type Owned = { company_id: string } | { companyId: string }

/**
 * How much an actor may do in a company. `admin` is for the directory and for keys; agents write, but never administer.
 */
export function companyAccess (actor: Actor, companyId: string): AccessLevel {
  switch (actor.type) {
    case 'system': return 'admin'
    case 'none': return 'none'
    case 'agent': return sameId(actor.companyId, companyId) ? 'write' : 'none'
    case 'board': {
      if (actor.instanceAdmin) return 'admin'
      const membership = actor.memberships.find(one => sameId(one.companyId, companyId) && one.status === 'active')
      if (membership === undefined) return 'none'
      if (membership.role === 'viewer') return 'read'
      return membership.role === 'member' ? 'write' : 'admin'
    }
  }
}

/** True when the level reaches the need. */
export function reaches (level: AccessLevel, need: AccessLevel): boolean {
  return accessLevels.indexOf(level) >= accessLevels.indexOf(need)
}

/**
 * For a path that names its company.
 * @throws Unauthenticated (401) without an actor, Forbidden (403) when the actor may not
 */
export function requireCompany (actor: Actor, companyId: string, need: Exclude<AccessLevel, 'none'>): void {
  requireActor(actor)
  const level = companyAccess(actor, companyId)
  if (reaches(level, need)) return
  if (level === 'none') throw new Forbidden('You have no access to this company.')
  if (need === 'admin') throw new Forbidden('Only instance admins, owners and admins of the company may do this.')
  throw new Forbidden('A viewer may read, but not change anything.')
}

/**
 * For a path that names only a workspace, an operation or a service: what may not be seen is answered exactly like
 * what does not exist, so that ids can't be probed.
 * @param need `write` when the request changes something; a viewer who may see the row gets 403, not 404
 * @returns the row
 * @throws Unauthenticated (401), NotFound (404), Forbidden (403)
 */
export function requireVisible<T extends Owned> (actor: Actor, row: T | null | undefined, need: Exclude<AccessLevel, 'none'> = 'read'): T {
  requireActor(actor)
  if (row === null || row === undefined) throw absent()
  const companyId = 'company_id' in row ? row.company_id : row.companyId
  if (companyAccess(actor, companyId) === 'none') throw absent()
  requireCompany(actor, companyId, need)
  return row
}

/** For paths of the whole instance, such as the list of companies' creation. */
export function requireInstanceAdmin (actor: Actor): void {
  requireActor(actor)
  if (actor.type === 'system' || (actor.type === 'board' && actor.instanceAdmin)) return
  throw new Forbidden('Only instance admins may do this.')
}

/** @throws Unauthenticated with `WWW-Authenticate` */
export function requireActor (actor: Actor): void {
  if (actor.type === 'none') throw nobodyThere()
}

/** The one answer for "no such id" and "not yours to see". */
export function absent (): Error {
  return new NotFound('There is nothing with this id, or you may not see it.')
}

function sameId (a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
