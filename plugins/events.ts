/** What happened, as `app.activity`. */
import fp from 'fastify-plugin'
import type { Page } from '../openapi/schemas/common.ts'
import type { Activity } from '../openapi/schemas/directory.ts'
import type { Actor } from '../services/access/actor.ts'
import { requireCompany } from '../services/access/company-access.ts'
import { createActivity } from '../services/operations/activity.ts'
import type { PageRequest } from '../services/operations/seq-page.ts'

export interface ActivityDoor {
  /** A company's activity, newest first. Throws Forbidden for other companies, InvalidCursor. */
  list (actor: Actor, companyId: string, page: PageRequest): Promise<Page<Activity>>
}

declare module 'fastify' {
  interface FastifyInstance { activity: ActivityDoor }
}

export default fp(async app => {
  const activity = createActivity({ db: app.database.db })
  app.decorate('activity', {
    async list (actor, companyId, page) {
      requireCompany(actor, companyId, 'read')
      return await activity.list(companyId, page)
    }
  })
}, { name: 'events', dependencies: ['database'] })
