/** Webhooks as `app.webhooks`; deliveries go on while the app lives. */
import fp from 'fastify-plugin'
import { packageJson } from '../openapi/document.ts'
import { createDeliveries, type Deliveries } from '../services/webhooks/deliveries.ts'
import { createWebhookEngine } from '../services/webhooks/engine.ts'
import { createResolver } from '../services/webhooks/names.ts'
import { createWebhooks, type Webhooks } from '../services/webhooks/webhooks.ts'

declare module 'fastify' {
  interface FastifyInstance { webhooks: Webhooks & { deliveries: Deliveries } }
}

export default fp(async app => {
  const { db } = app.database
  const { webhookAllowPrivate: allowPrivate, webhookTimeoutSec, webhookMaxAttempts, webhookRetryMaxSec } = app.config
  const now = () => new Date()
  const engine = createWebhookEngine({
    db,
    now,
    random: Math.random,
    log: app.log,
    queues: app.jobQueues,
    signals: app.companyEvents.signals,
    sending: { allowPrivate, resolve: createResolver(), timeoutMs: webhookTimeoutSec * 1000, userAgent: `Berth/${packageJson.version}` },
    retries: { maxAttempts: webhookMaxAttempts, maxPauseSec: webhookRetryMaxSec }
  })
  // What was left is delivered in the background; the server is not held up.
  app.addHook('onListen', async () => { engine.startWhenNeeded() })
  app.addHook('onClose', async () => { await engine.close() })
  app.decorate('webhooks', {
    ...createWebhooks({ db, now, allowPrivate, start: engine.start }),
    deliveries: createDeliveries({ db, now, engine })
  })
}, { name: 'webhooks', dependencies: ['config', 'database', 'company-events', 'job-queue'] })
