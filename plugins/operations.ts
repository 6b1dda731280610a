/** Operations as `app.operations`: this host, its recorder, logs and locks, and what an actor may read of them. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import fp from 'fastify-plugin'
import type { Page } from '../openapi/schemas/common.ts'
import type { OperationLog, WorkspaceOperation } from '../openapi/schemas/operation.ts'
import type { Actor } from '../services/access/actor.ts'
import { requireActor, requireVisible } from '../services/access/company-access.ts'
import { readableCompanies } from '../services/access/readable-companies.ts'
import { createRuntimeAccess } from '../services/access/runtime-access.ts'
import { cancelOperation } from '../services/control/cancel-operation.ts'
import { ensureHost, startHeartbeat } from '../services/operations/host.ts'
import { createJobQueue, type JobQueue } from '../services/operations/job-queue.ts'
import { createLocks, type Locks } from '../services/operations/locks.ts'
import { endEventId, type LogFollow, type LogStart } from '../services/operations/log-event.ts'
import { createLogStore, type LogStore } from '../services/operations/log-store.ts'
import { createLogTails, type LogTails } from '../services/operations/log-tail.ts'
import { createOperationStreams, type OperationStreams } from '../services/operations/operation-stream.ts'
import { createOperations, type LogRequest, type Operations } from '../services/operations/operations.ts'
import { startHeeding } from '../services/operations/outside-word.ts'
import { createRecorder, type Recorder } from '../services/operations/recorder.ts'
import type { Redactor } from '../services/operations/redact.ts'
import { ServiceStopping } from '../services/operations/run-step.ts'
import type { PageRequest } from '../services/operations/seq-page.ts'
import { redactorOf } from './masking.ts'

export interface OperationsDoor {
  /** Throws NotFound, also for what the actor may not see. */
  get (actor: Actor, id: string): Promise<WorkspaceOperation>
  /** Newest first. Throws NotFound when there is no such workspace or the actor may not see it. */
  listOfWorkspace (actor: Actor, workspaceId: string, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /** Oldest first; only what the actor may see. */
  listOfRun (actor: Actor, runId: string, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /** Throws NotFound as `get` does, or when the log is gone. */
  readLog (actor: Actor, id: string, part: LogRequest): Promise<OperationLog>
  /** Throws as `readLog` does; null when the client's last event was the end. */
  followLog (actor: Actor, id: string, start: LogStart, lastEventId?: string): Promise<LogFollow | null>
  /**
   * Ends an operation and answers it; one that is still ending after a while is answered as `running` or `queued`.
   * @throws NotFound (404), Forbidden (403), OperationEnded, NotCancellable (409)
   */
  cancel (actor: Actor, id: string): Promise<WorkspaceOperation>
  readonly recorder: Recorder
  /** Whose turn it is to run a job. */
  readonly jobs: JobQueue
  readonly logStore: LogStore
  /** The logs that are followed now, of operations and of services. */
  readonly tails: LogTails
  readonly locks: Locks
  readonly redactor: Redactor
  readonly hostId: string
}

declare module 'fastify' {
  interface FastifyInstance { operations: OperationsDoor }
}

/** A running job gets the stop signal, its grace time of 5 s and SIGKILL within this time. */
const endWithinMs = 10_000

/** Adds to the reader who may read. */
function createDoor (operations: Operations, streams: OperationStreams): Pick<OperationsDoor, 'get' | 'listOfWorkspace' | 'listOfRun' | 'readLog' | 'followLog'> {
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
    readLog: async (actor, id, part) => await operations.readLog(await get(actor, id), part),
    async followLog (actor, id, start, lastEventId) {
      const operation = await get(actor, id)
      if (lastEventId === endEventId) return null
      return await streams.follow(operation, lastEventId === undefined ? start : { offset: Number(lastEventId) })
    }
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
  const redactor = redactorOf(app.config)
  const logStore = createLogStore({ dataDir, maxBytes: jobLogMaxBytes, redactor })
  const recorder = createRecorder({ db, hostId, logStore, redactor, log: app.log })
  const jobs = createJobQueue({ slots: app.config.maxJobs })
  const operations = createOperations({ db, logStore, positionOf: jobs.positionOf })
  const tails = createLogTails()
  const stopHeeding = startHeeding({ db, recorder, onFailure: error => app.log.warn({ err: error }, 'cancels of other hosts are not heard now') })
  const access = createRuntimeAccess({ db })
  const door = createDoor(operations, createOperationStreams({ db, operations, logStore, tails, recorder, log: app.log }))

  // Before the server waits for requests under way: a request that runs a job would hold it up as long as the job runs.
  app.addHook('preClose', async () => { await recorder.endAll(new ServiceStopping(), endWithinMs) })
  app.addHook('onClose', async () => {
    await Promise.all([stopHeartbeat(), stopHeeding()])
    await locks.settled()
  })
  const cancel: OperationsDoor['cancel'] = async (actor, id) => {
    await cancelOperation({ db, access, recorder }, actor, id)
    return await door.get(actor, id)
  }
  app.decorate('operations', { ...door, cancel, recorder, jobs, logStore, tails, locks, redactor, hostId })
}, { name: 'operations', dependencies: ['config', 'database'] })
