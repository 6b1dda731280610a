/** Events of companies as `app.companyEvents`: who may follow them, and the signals that there are new ones. */
import fp from 'fastify-plugin'
import { adoptRestoredEvents } from '../db/company-events.ts'
import type { Actor } from '../services/access/actor.ts'
import { requireCompany } from '../services/access/company-access.ts'
import { createEventSignals, type EventSignals } from '../services/operations/event-signals.ts'
import { createEventFollowers, type EventFollow, type EventsAsked } from '../services/operations/event-stream.ts'

export interface CompanyEvents {
  /** Throws Forbidden for other companies, InvalidCursor, EventsGone. */
  follow (actor: Actor, companyId: string, asked: EventsAsked): Promise<EventFollow>
  readonly signals: EventSignals
}

declare module 'fastify' {
  interface FastifyInstance { companyEvents: CompanyEvents }
}

export default fp(async app => {
  const { db, listen } = app.database
  if (await adoptRestoredEvents(db)) app.log.warn('the events in the database were written on another server: they are kept, and whoever followed them begins anew')
  const signals = createEventSignals({ listen, log: app.log })
  const followers = createEventFollowers({ db, signals })
  app.addHook('onClose', async () => { await signals.close() })
  app.decorate('companyEvents', {
    signals,
    async follow (actor, companyId, asked) {
      requireCompany(actor, companyId, 'read')
      return await followers.follow(companyId, asked)
    }
  })
}, { name: 'company-events', dependencies: ['database'] })
