/** The services whose processes this host has: watches for their exit and keeps their logs within bounds. */
import type { Db } from '../../db/client.ts'
import { updateLiveService } from '../../db/runtime-services.ts'
import type { ProcessExit } from '../process/spawn.ts'
import { terminate } from '../process/terminate.ts'
import { isAlive, type ProcessIdentity } from '../process/tree.ts'
import { capLog } from './log-file.ts'
import type { Ports } from './ports.ts'

export interface RuntimeLog {
  info (fields: object, message: string): void
  warn (fields: object, message: string): void
}

export interface LiveService {
  /** Of the row. */
  id: string
  name: string
  identity: ProcessIdentity
  mark: string | null
  port: number | null
  /** For whom the port is to be given back at the end; null when it is kept. */
  releaseHolder: string | null
  logPath: string
  logMaxBytes: number
  /** Settles when the process ends; null for one that is not our child. */
  exited: Promise<ProcessExit> | null
}

export interface WatchedService extends LiveService {
  /** Starting or stopping sees to the exit itself while this is set. */
  handled: boolean
  /** Ends a start that is under way; null once it is ready. */
  cancelStart: ((reason: Error) => void) | null
}

export interface LiveServices {
  /** Takes a service in; until `watch` its exit is seen to by who added it. */
  add (service: LiveService): WatchedService
  /** Records the exit of the service when it comes, also when it came already. */
  watch (service: WatchedService): void
  get (id: string): WatchedService | undefined
  remove (id: string): void
  all (): WatchedService[]
  /** Stops watching; exits from now on are not recorded. Waits for what is being recorded. */
  close (): Promise<void>
}

export interface LiveServicesDeps {
  db: Db
  ports: Pick<Ports, 'release'>
  now: () => Date
  log: RuntimeLog
}

/** Exits must be recorded within a second; a look at one process costs some 20 µs. */
const lookEveryMs = 250
/** A log may pass its limit by what is written in between. */
const capEveryMs = 2_000
/** What a service leaves running when it exits gets no long farewell. */
const leftoverGraceMs = 500

export function createLiveServices (deps: LiveServicesDeps): LiveServices {
  const services = new Map<string, WatchedService>()
  const recording = new Set<Promise<void>>()
  const adopted = createAdoptedWatch()
  const capping = startCapping(() => [...services.values()], deps.log)
  let closed = false

  async function onExit (service: WatchedService, exit: ProcessExit): Promise<void> {
    if (closed || service.handled || services.get(service.id) !== service) return
    services.delete(service.id)
    const recorded = recordExit(deps, service, exit)
      .catch((err: unknown) => deps.log.warn({ err, runtimeServiceId: service.id }, 'the end of a service can not be recorded'))
      .finally(() => recording.delete(recorded))
    recording.add(recorded)
    await recorded
  }

  return {
    add (service) {
      const watched: WatchedService = { ...service, handled: true, cancelStart: null }
      services.set(service.id, watched)
      return watched
    },
    watch (service) {
      service.handled = false
      service.exited ??= adopted.exitOf(service.identity)
      service.exited.then(async exit => await onExit(service, exit)).catch(() => { /* onExit reports by itself. */ })
    },
    get: id => services.get(id),
    remove: id => { services.delete(id) },
    all: () => [...services.values()],
    async close () {
      closed = true
      adopted.close()
      capping.close()
      await Promise.all(recording)
    }
  }
}

/** Ends what the service left running, records how it ended, and gives back a port nobody will ask for again. */
async function recordExit ({ db, ports, now, log }: LiveServicesDeps, { id, name, identity, mark, releaseHolder }: LiveService, exit: ProcessExit): Promise<void> {
  const proof = await terminate({ root: identity, mark, graceMs: leftoverGraceMs })
  await updateLiveService(db, id, { ...exitColumns(exit, now()), exit_reason: exitWords(exit) }, now())
  if (releaseHolder !== null) await ports.release(releaseHolder)
  log.info({ runtimeServiceId: id, service: name, ...exit, leftRunning: proof.membersBefore.length }, 'a service ended')
}

/** Processes that are not our children send no exit event: they are looked at from time to time. */
function createAdoptedWatch () {
  const waiting = new Map<ProcessIdentity, (exit: ProcessExit) => void>()
  const timer = setInterval(() => {
    for (const [identity, ended] of waiting) {
      if (isAlive(identity)) continue
      waiting.delete(identity)
      // Nobody tells us the code of a process that another one has to wait for.
      ended({ code: null, signal: null })
    }
  }, lookEveryMs)
  timer.unref()
  return {
    exitOf: async (identity: ProcessIdentity) => await new Promise<ProcessExit>(resolve => waiting.set(identity, resolve)),
    close: () => clearInterval(timer)
  }
}

function startCapping (services: () => LiveService[], log: RuntimeLog) {
  async function capAll (): Promise<void> {
    for (const { id, logPath, logMaxBytes } of services()) {
      await capLog(logPath, logMaxBytes).catch((err: unknown) => log.warn({ err, runtimeServiceId: id }, 'the log of a service can not be capped'))
    }
  }
  // One round at a time: copying a large log may take longer than the pause.
  let round: Promise<void> | null = null
  const timer = setInterval(() => {
    round ??= capAll().finally(() => { round = null })
  }, capEveryMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/** The columns of a row whose process has ended by itself. */
export function exitColumns ({ code, signal }: ProcessExit, at: Date) {
  return {
    status: code === 0 ? 'stopped' : 'failed',
    exit_code: code,
    exit_signal: signal,
    health_status: 'unknown',
    stopped_at: at
  } as const
}

/** How a process ended, to go on from "it". */
export function exitWords ({ code, signal }: ProcessExit): string {
  if (signal !== null) return `It was ended by ${signal}.`
  return code === null ? 'It ended; nobody saw how.' : `It ended by itself with code ${code}.`
}
