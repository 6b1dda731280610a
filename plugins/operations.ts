/** Operations as `app.operations`: this host, its recorder, logs and locks, and what an actor may read of them. */
import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Page } from '../openapi/schemas/common.ts'
import type { OperationLog, WorkspaceOperation } from '../openapi/schemas/operation.ts'
import type { Actor } from '../services/access/actor.ts'
import { requireActor, requireVisible } from '../services/access/company-access.ts'
import { readableCompanies } from '../services/access/readable-companies.ts'
import { ensureHost, startHeartbeat } from '../services/operations/host.ts'
import { createLocks, type Locks } from '../services/operations/locks.ts'
import { createLogStore, type LogStore } from '../services/operations/log-store.ts'
import { createOperations, type LogRequest, type Operations } from '../services/operations/operations.ts'
import { createRecorder, type Recorder } from '../services/operations/recorder.ts'
import { createRedactor, type Redactor } from '../services/operations/redact.ts'
import { ServiceStopping } from '../services/operations/run-step.ts'
import type { PageRequest } from '../services/operations/seq-page.ts'

export interface OperationsDoor {
  /** Throws NotFound, also for what the actor may not see. */
  get (actor: Actor, id: string): Promise<WorkspaceOperation>
  /** Newest first. Throws NotFound when there is no such workspace or the actor may not see it. */
  listOfWorkspace (actor: Actor, workspaceId: string, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /** Oldest first; only what the actor may see. */
  listOfRun (actor: Actor, runId: string, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /** Throws NotFound as `get` does, or when the log is gone. */
  readLog (actor: Actor, id: string, part: LogRequest): Promise<OperationLog>
  readonly recorder: Recorder
  readonly logStore: LogStore
  readonly locks: Locks
  readonly redactor: Redactor
  readonly hostId: string
}

declare module 'fastify' {
  interface FastifyInstance { operations: OperationsDoor }
}

/** A running job gets the stop signal, its grace time of 5 s and SIGKILL within this time. */
const endWithinMs = 10_000

function usernameOf (app: FastifyInstance): string | null {
  return app.config.redactUsername ? userInfo().username : null
}

/** Adds to the reader who may read. */
function createDoor (operations: Operations): Pick<OperationsDoor, 'get' | 'listOfWorkspace' | 'listOfRun' | 'readLog'> {
  const get = async (actor: Actor, id: string): Promise<WorkspaceOperation> => requireVisible(actor, await operations.get(id))
  return {
    get,
    async listOfWorkspace (actor, workspaceId, page) {
      const companyId = await operations.companyOfWorkspace(workspaceId)
      requireVisible(actor, companyId === null ? null : { companyId })
      return await operations.listOfWorkspace(workspaceId, page)
    },
    async listOfRun (actor, runId, page) {
      requireActor(actor)
      return await operations.listOfRun(runId, readableCompanies(actor), page)
    },
    readLog: async (actor, id, part) => await operations.readLog(await get(actor, id), part)
  }
}

export default fp(async app => {
  const { db } = app.database
  const { dataDir, jobLogMaxBytes } = app.config
  const { id: hostId } = await ensureHost(db, { dataDir, name: hostname(), instanceId: randomUUID() })
  const stopHeartbeat = startHeartbeat({
    db,
    hostId,
    onFailure: error => app.log.warn({ err: error }, 'no heart-beat: other hosts will take over the locks of this one')
  })
  const locks = createLocks({
    db,
    hostId,
    onReleaseFailure: (error, resource) => app.log.warn({ err: error, resource }, 'a lock could not be given back yet')
  })
  await locks.releaseAllOf(hostId)
  const redactor = createRedactor({ env: process.env, username: usernameOf(app) })
  const logStore = createLogStore({ dataDir, maxBytes: jobLogMaxBytes, redactor })
  const recorder = createRecorder({ db, hostId, logStore, redactor, log: app.log })
  const door = createDoor(createOperations({ db, logStore }))

  // Before the server waits for requests under way: a request that runs a job would hold it up as long as the job runs.
  app.addHook('preClose', async () => { await recorder.endAll(new ServiceStopping(), endWithinMs) })
  app.addHook('onClose', async () => {
    await stopHeartbeat()
    await locks.settled()
  })
  app.decorate('operations', { ...door, recorder, logStore, locks, redactor, hostId })
}, { name: 'operations', dependencies: ['config', 'database'] })
