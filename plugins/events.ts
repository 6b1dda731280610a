/** What happened, as `app.activity`. */
import fp from 'fastify-plugin'
import type { Page } from '../openapi/schemas/common.ts'
import type { Activity } from '../openapi/schemas/directory.ts'
import type { ActivityQuery } from '../openapi/schemas/event.ts'
import type { Actor } from '../services/access/actor.ts'
import { requireCompany } from '../services/access/company-access.ts'
import { createActivity } from '../services/operations/activity.ts'

export interface ActivityDoor {
  /** A company's activity, newest first, filtered. Throws Forbidden for other companies, InvalidCursor. */
  list (actor: Actor, companyId: string, query: ActivityQuery): Promise<Page<Activity>>
}

declare module 'fastify' {
  interface FastifyInstance { activity: ActivityDoor }
}

export default fp(async app => {
  const activity = createActivity({ db: app.database.db })
  app.decorate('activity', {
    async list (actor, companyId, query) {
      requireCompany(actor, companyId, 'read')
      return await activity.list(companyId, query)
    }
  })
}, { name: 'events', dependencies: ['database'] })
