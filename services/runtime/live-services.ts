/** The services whose processes this host has: sees their exits, asks for their health, keeps their logs within bounds. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment, Redactor } from '../operations/redact.ts'
import type { Launch } from '../process/launch.ts'
import type { ProcessExit } from '../process/spawn.ts'
import type { ProcessIdentity } from '../process/tree.ts'
import { createAdoptedWatch } from './adopted-watch.ts'
import { watchHealth, type HealthPlan, type HealthState, type HealthWatch } from './health.ts'
import { startCapping } from './log-capping.ts'
import { maskEndedLog, type EndedService } from './log-masking.ts'

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
  logPath: string
  logMaxBytes: number
  /** What it was started with: its secrets are masked in its log once it has ended. */
  env: Environment
  /** Null where its health can't be asked. */
  health: HealthPlan | null
  /** Settles when the process ends; null for one that is not our child. */
  exited: Promise<ProcessExit> | null
}

export interface WatchedService extends LiveService {
  /** Starting, stopping or replacing it sees to its exit and its health itself while this is set. */
  handled: boolean
  /** Ends a start that is under way; null once it is ready. */
  cancelStart: ((reason: Error) => void) | null
}

export interface LiveServices {
  /** Takes a service in; until `watch` its exit is seen to by who added it. */
  add (service: LiveService): WatchedService
  /** From now on its exit (also one that came already) and its health are reported. */
  watch (service: WatchedService): void
  get (id: string): WatchedService | undefined
  remove (id: string): void
  /** Masks the log of one whose processes have all ended; `remove` does it too. Nobody has to wait for it. */
  maskLog (service: EndedService): void
  all (): WatchedService[]
  /** Stops watching; what happens from now on is not reported. Waits for what is being recorded. */
  close (): Promise<void>
}

export interface LiveServicesDeps {
  /** Records the end of a service that is not `handled`; tried again when it throws. */
  onExit: (service: WatchedService, exit: ProcessExit) => Promise<void>
  /** Records a change of health, and is told again after each look at one that is unhealthy still. */
  onHealth: (service: WatchedService, state: HealthState, seen: string) => Promise<void>
  random?: () => number
  /** What a probe's command is begun by; this process itself unless given. */
  launch?: Launch
  /** Knows the secrets of this process. */
  redactor: Redactor
  log: RuntimeLog
}

/** A database that is away for a moment must not make an exit go unrecorded. */
const retryAfterMs = 1_000

export function createLiveServices ({ onExit, onHealth, random = Math.random, launch, redactor, log }: LiveServicesDeps): LiveServices {
  const services = new Map<string, WatchedService>()
  const healths = new Map<WatchedService, HealthWatch>()
  const recording = new Set<Promise<void>>()
  const adopted = createAdoptedWatch()
  const capping = startCapping(() => [...services.values()], log)
  const closed = new AbortController()
  const isCurrent = (service: WatchedService): boolean => !closed.signal.aborted && !service.handled && services.get(service.id) === service

  function keep (work: Promise<void>): void {
    const kept = work.finally(() => recording.delete(kept))
    recording.add(kept)
  }

  function forget (service: WatchedService, isOver = false): void {
    services.delete(service.id)
    const health = healths.get(service)
    healths.delete(service)
    if (health !== undefined) keep(health.close())
    if (isOver) keep(maskEndedLog(service, redactor, log))
  }

  function watchOver (service: WatchedService, health: HealthPlan): HealthWatch {
    const onLook = (state: HealthState, seen: string): void => {
      if (isCurrent(service)) keep(onHealth(service, state, seen).catch((err: unknown) => log.warn({ err, runtimeServiceId: service.id }, 'the health of a service can not be recorded')))
    }
    return watchHealth(health, { random, launch, onLook })
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
      service.exited.then(exit => {
        if (!isCurrent(service)) return
        forget(service)
        keep(untilRecorded(async () => await onExit(service, exit), closed.signal, err => log.warn({ err, runtimeServiceId: service.id }, 'the end of a service can not be recorded yet')))
      }).catch(() => { /* An exit never rejects. */ })
      if (service.health !== null) healths.set(service, watchOver(service, service.health))
    },
    get: id => services.get(id),
    remove (id) {
      const service = services.get(id)
      if (service !== undefined) forget(service, true)
    },
    maskLog: service => keep(maskEndedLog(service, redactor, log)),
    all: () => [...services.values()],
    async close () {
      closed.abort()
      adopted.close()
      capping.close()
      for (const health of healths.values()) keep(health.close())
      healths.clear()
      await Promise.all(recording)
    }
  }
}

/** Tries again and again until it works or the signal aborts: then the next start finds what happened. */
async function untilRecorded (record: () => Promise<void>, signal: AbortSignal, onFailure: (error: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      return await record()
    } catch (error) {
      onFailure(error)
      await sleep(retryAfterMs, null, { signal, ref: false }).catch(() => { /* Aborted: the loop ends. */ })
    }
  }
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
