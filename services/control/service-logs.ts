/** Runtime services and their logs for who may see them: one service, a part of its log, all of it as it comes. */
import type { Db } from '../../db/client.ts'
import { findService, type ServiceRow } from '../../db/runtime-services.ts'
import type { RuntimeService, RuntimeServiceLog } from '../../openapi/schemas/runtime.ts'
import type { Actor } from '../access/actor.ts'
import { requireVisible } from '../access/company-access.ts'
import { NotFound } from '../errors.ts'
import { defaultLimitBytes, endEventId, type LogFollow, type LogStart } from '../operations/log-event.ts'
import { localFileStore } from '../operations/log-store.ts'
import type { LogTails } from '../operations/log-tail.ts'
import type { Environment, Redactor } from '../operations/redact.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'
import { readPart, startOffset } from '../runtime/log-reading.ts'
import { createServiceStreams, hasAttemptEnded, type ServiceStreams } from '../runtime/log-stream.ts'
import { serviceLogPlace } from '../runtime/service-intent.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import { serviceRedactor } from './service-redactor.ts'

export interface ServiceLogRequest {
  /** Which start of the service; the current one unless given. */
  attempt?: number | undefined
  /** Bytes. */
  offset?: number | undefined
  limitBytes?: number | undefined
}

export interface ServiceLogs {
  /** Throws NotFound, also for what the actor may not see. */
  get (actor: Actor, id: string): Promise<RuntimeService>
  /** A part of the log of one start, masked. Throws NotFound as `get` does, or when that log is not here (any more). */
  read (actor: Actor, id: string, request: ServiceLogRequest): Promise<RuntimeServiceLog>
  /**
   * To follow the log, over automatic restarts. Throws as `read` does; null when the client's last event was the end.
   * @param lastEventId `<attempt>:<offset>` or `end`; goes before `start`
   */
  follow (actor: Actor, id: string, start: LogStart & Pick<ServiceLogRequest, 'attempt'>, lastEventId?: string): Promise<LogFollow | null>
}

export interface ServiceLogsDeps {
  db: Db
  dataDir: string
  /** Masks the secrets of this process. */
  redactor: Redactor
  /** What a service that runs was started with; empty for another. */
  environmentOf: (id: string) => Environment
  tails: LogTails
  log: RuntimeLog
}

export function createServiceLogs (deps: ServiceLogsDeps): ServiceLogs {
  const { db } = deps
  const streams = createServiceStreams(deps)
  const find = async (actor: Actor, id: string): Promise<ServiceRow> => requireVisible(actor, await findService(db, id))
  return {
    get: async (actor, id) => toRuntimeService(await find(actor, id)),
    async read (actor, id, request) {
      const row = await find(actor, id)
      return await readServiceLog(deps, row, request, await redactorOf(deps, row))
    },
    async follow (actor, id, start, lastEventId) {
      const row = await find(actor, id)
      return lastEventId === endEventId ? null : await followServiceLog({ ...deps, streams }, row, resumed(lastEventId) ?? start)
    }
  }
}

function resumed (lastEventId: string | undefined): LogStart & { attempt: number } | null {
  const [attempt, offset] = lastEventId?.split(':').map(Number) ?? []
  return attempt === undefined ? null : { attempt, offset }
}

async function readServiceLog ({ dataDir }: ServiceLogsDeps, row: ServiceRow, { attempt = row.attempt, offset = 0, limitBytes = defaultLimitBytes }: ServiceLogRequest, redactor: Redactor): Promise<RuntimeServiceLog> {
  const { ref, path } = serviceLogPlace(dataDir, row.id, attempt)
  // The row was read before its log: if the attempt had ended then, everything is in the file now.
  const hasEnded = hasAttemptEnded(row, attempt)
  const part = await readPart(path, { offset, limitBytes, hasEnded }, redactor)
  if (part === null) throw noLog(attempt)
  return {
    runtimeServiceId: row.id,
    attempt,
    store: localFileStore,
    logRef: ref,
    content: part.content,
    offset: part.offset,
    nextOffset: hasEnded && part.isAll ? null : part.nextOffset
  }
}

async function redactorOf ({ db, redactor, environmentOf }: ServiceLogsDeps, row: ServiceRow): Promise<Redactor> {
  return await serviceRedactor(db, redactor.with(environmentOf(row.id)), row)
}

async function followServiceLog (deps: ServiceLogsDeps & { streams: ServiceStreams }, row: ServiceRow, { attempt = row.attempt, ...start }: LogStart & { attempt?: number | undefined }): Promise<LogFollow> {
  const { db, dataDir, streams } = deps
  const redactor = await redactorOf(deps, row)
  const pathOf = (one: number) => serviceLogPlace(dataDir, row.id, one).path
  const offset = await startOffset(pathOf(attempt), { ...start, hasEnded: hasAttemptEnded(row, attempt) }, redactor)
  if (offset === null) throw noLog(attempt)
  const result = async () => {
    const last = await findService(db, row.id)
    return last === undefined ? null : toRuntimeService(last)
  }
  return signal => streams.follow({ row, place: { attempt, offset }, redactor, pathOf, result, signal })
}

function noLog (attempt: number): Error {
  return new NotFound(`There is no log of attempt ${attempt} of this service here (any more).`)
}
