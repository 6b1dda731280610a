/** Which companies' rows an actor may read, for lists that are not of one company. */
import type { Actor } from './actor.ts'

/** The ids of the companies; null means all of them. */
export function readableCompanies (actor: Actor): readonly string[] | null {
  switch (actor.type) {
    case 'system': return null
    case 'none': return []
    case 'agent': return [actor.companyId]
    case 'board': return actor.instanceAdmin
      ? null
      : actor.memberships.filter(({ status }) => status === 'active').map(({ companyId }) => companyId)
  }
}
