/** The table of contents: every plugin and route of the service, in order. */
import type { Server } from 'node:http'
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyHttpOptions, type FastifyRequest } from 'fastify'
import type { Database } from './db/client.ts'
import adapterServices from './plugins/adapter-services.ts'
import apiKeys from './plugins/api-keys.ts'
import archivalCleanup from './plugins/archival-cleanup.ts'
import auth from './plugins/auth.ts'
import basePath, { withoutBasePath } from './plugins/base-path.ts'
import companyEvents from './plugins/company-events.ts'
import config, { type Config } from './plugins/config.ts'
import connections from './plugins/connections.ts'
import credentialEnds from './plugins/credential-ends.ts'
import database from './plugins/database.ts'
import childUser from './plugins/child-user.ts'
import clientError, { answerClientError } from './plugins/client-error.ts'
import errors, { sendError } from './plugins/errors.ts'
import directory from './plugins/directory.ts'
import diskUse from './plugins/disk-use.ts'
import docs from './plugins/docs.ts'
import etag from './plugins/etag.ts'
import eventStreams from './plugins/event-streams.ts'
import events from './plugins/events.ts'
import freeSpace from './plugins/free-space.ts'
import health from './plugins/health.ts'
import idempotency from './plugins/idempotency.ts'
import jobQueue from './plugins/job-queue.ts'
import launch from './plugins/launch.ts'
import leases from './plugins/leases.ts'
import loginFailures from './plugins/login-failures.ts'
import { maskedLogLine, redactorOf } from './plugins/masking.ts'
import observability, { requestIdOf } from './plugins/observability.ts'
import openapi from './plugins/openapi.ts'
import operations from './plugins/operations.ts'
import preferences from './plugins/preferences.ts'
import rateLimit from './plugins/rate-limit.ts'
import recovery from './plugins/recovery.ts'
import rescueFiles from './plugins/rescue-files.ts'
import retention from './plugins/retention.ts'
import runtimeControl from './plugins/runtime-control.ts'
import runtimeServices from './plugins/runtime-services.ts'
import { schemaController } from './plugins/schema-compilers.ts'
import securityHeaders from './plugins/security-headers.ts'
import sweeper from './plugins/sweeper.ts'
import upkeep from './plugins/upkeep.ts'
import webhooks from './plugins/webhooks.ts'
import workspaces from './plugins/workspaces.ts'
import activityRoutes from './routes/activity.ts'
import adapterServiceRoutes from './routes/adapter-services.ts'
import agentRoutes from './routes/agents.ts'
import apiKeyRoutes from './routes/api-keys.ts'
import companyRoutes from './routes/companies.ts'
import archiveRoutes from './routes/archive.ts'
import eventRoutes from './routes/events.ts'
import executionWorkspaceRoutes from './routes/execution-workspaces.ts'
import healthRoutes from './routes/health.ts'
import issueRoutes from './routes/issues.ts'
import leaseRoutes from './routes/leases.ts'
import operationRoutes from './routes/operations.ts'
import maintenanceRoutes from './routes/maintenance.ts'
import projectWorkspaceRoutes from './routes/project-workspaces.ts'
import projectRoutes from './routes/projects.ts'
import rescueRoutes from './routes/rescue.ts'
import runtimeControlRoutes from './routes/runtime-control.ts'
import runtimeServiceRoutes from './routes/runtime-services.ts'
import webhookDeliveryRoutes from './routes/webhook-deliveries.ts'
import webhookRoutes from './routes/webhooks.ts'
import type { Actor } from './services/access/actor.ts'
import type { Launch } from './services/process/launch.ts'

/** All under `/api`; their order is that of the document. */
const apiRoutes = [
  companyRoutes,
  projectRoutes,
  projectWorkspaceRoutes,
  agentRoutes,
  issueRoutes,
  executionWorkspaceRoutes,
  runtimeControlRoutes,
  runtimeServiceRoutes,
  archiveRoutes,
  rescueRoutes,
  leaseRoutes,
  adapterServiceRoutes,
  operationRoutes,
  activityRoutes,
  eventRoutes,
  maintenanceRoutes,
  webhookRoutes,
  webhookDeliveryRoutes,
  apiKeyRoutes
]

export interface AppOptions {
  /** An open, migrated database to use instead of opening the configured one; the caller closes it. */
  database?: Database
  /** Decides who is asking; else the auth mode does. */
  identify?: (request: FastifyRequest) => Actor | Promise<Actor>
  logger?: FastifyBaseLogger
  /** What processes are begun by: commands and git. This process itself unless given. */
  launch?: Launch
}

/** Headers are small: a third of the time is enough. Who is late is found by looking often enough. */
function arrivalTimes ({ requestTimeoutSec }: Config): { headersTimeout: number, connectionsCheckingInterval: number } {
  return { headersTimeout: Math.ceil(requestTimeoutSec * 1000 / 3), connectionsCheckingInterval: Math.min(requestTimeoutSec * 100, 5000) }
}

/** How requests are taken in, before any plugin sees them. */
function serverOptions (settings: Config) {
  return {
    // The observability plugin writes one line per request.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: settings.trustProxy,
    rewriteUrl: ({ url = '/' }) => withoutBasePath(url, settings.basePath),
    bodyLimit: settings.bodyLimitBytes,
    // Long ids are answered by their schema (400); only absurd ones by the router.
    routerOptions: { maxParamLength: 2000 },
    // Opening a cold database on a busy machine, or waiting for another runner's migrations, may take its time.
    pluginTimeout: 300_000,
    // Idle connections must not hold the end up; requests under way may finish.
    forceCloseConnections: 'idle',
    // Against clients that send a byte now and then. It says nothing about how long an answer may take.
    requestTimeout: settings.requestTimeoutSec * 1000,
    // `Host` is asked for by the client-error plugin, which answers with a problem.
    http: { requireHostHeader: false, ...arrivalTimes(settings) },
    schemaController,
    frameworkErrors: sendError,
    clientErrorHandler: answerClientError
  } satisfies FastifyHttpOptions<Server>
}

/**
 * Builds the whole service without listening; `await app.ready()` before `app.inject()`.
 * Whoever calls it holds the lock of the data dir.
 * @throws DatabaseUnusable, MigrationFailed and what other plugins say when they can not start (on `ready()`)
 */
export async function buildApp (settings: Config, options: AppOptions = {}): Promise<FastifyInstance> {
  const app = fastify({
    ...(options.logger === undefined ? { logger: { level: settings.logLevel, hooks: { streamWrite: maskedLogLine(redactorOf(settings)) } } } : { loggerInstance: options.logger }),
    ...serverOptions(settings)
  })

  await app.register(config, { config: settings })
  await app.register(launch, { launch: options.launch })
  await app.register(errors)
  await app.register(clientError)
  await app.register(openapi)
  await app.register(observability)
  await app.register(securityHeaders)
  await app.register(connections)
  await app.register(freeSpace)
  await app.register(database, { database: options.database })
  await app.register(childUser)
  await app.register(loginFailures)
  await app.register(auth, { identify: options.identify })
  await app.register(credentialEnds)
  await app.register(rateLimit)
  await app.register(etag)
  await app.register(events)
  await app.register(companyEvents)
  await app.register(jobQueue)
  await app.register(operations)
  await app.register(idempotency)
  await app.register(basePath)
  await app.register(eventStreams, { maxPerActor: settings.maxStreamsPerActor })
  await app.register(apiKeys)
  await app.register(directory)
  await app.register(workspaces)
  await app.register(runtimeControl)
  await app.register(runtimeServices)
  await app.register(archivalCleanup)
  await app.register(rescueFiles)
  await app.register(recovery)
  await app.register(leases)
  await app.register(diskUse)
  await app.register(sweeper)
  await app.register(retention)
  await app.register(upkeep)
  await app.register(adapterServices)
  await app.register(webhooks)
  await app.register(preferences)
  await app.register(health, { recovery: () => app.recovery.state() })

  await app.register(docs)
  await app.register(healthRoutes)
  for (const routes of apiRoutes) await app.register(routes, { prefix: '/api' })

  return app
}
