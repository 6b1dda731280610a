/** Tells followers that there may be new events of a company: by the database's notifications, and by looking now and then while those fail. */
import type { Listen, Listener } from '../../db/notifications.ts'
import { eventsChannel } from '../../db/company-events.ts'
import type { RecorderLog } from './operation-handle.ts'

export interface EventSignals {
  /**
   * Calls whenever there may be new events, until it is released.
   * @param companyId null for those of all companies
   */
  follow (companyId: string | null, onEvents: () => void): { release (): void }
  /** Grows with every call of a follower: what was read at an earlier count may be out of date. */
  readonly count: number
  close (): Promise<void>
}

export interface EventSignalsOptions {
  listen: Listen
  log: RecorderLog
  /** How often to look while notifications can't be heard. */
  pollMs?: number
}

const defaultPollMs = 1000

/** Begins to listen with the first follower. */
export function createEventSignals ({ listen, log, pollMs = defaultPollMs }: EventSignalsOptions): EventSignals {
  const followers = new Map<string | null, Set<() => void>>()
  let listener: Listener | null = null
  let timer: NodeJS.Timeout | undefined
  let count = 0

  function call (companyId: string | null): void {
    count++
    for (const onEvents of [...followers.get(companyId) ?? []]) onEvents()
  }

  function callAll (): void {
    for (const companyId of [...followers.keys()]) call(companyId)
  }

  function begin (): Listener {
    timer = setInterval(() => { if (listener?.listening === false) callAll() }, pollMs).unref()
    return listen(eventsChannel, {
      onPayload (companyId) {
        call(companyId)
        call(null)
      },
      onListening: callAll,
      onLost: err => log.warn({ err }, `events can not be heard of; until that is over they are looked for every ${pollMs} ms`)
    })
  }

  return {
    get count () { return count },
    follow (companyId, onEvents) {
      const key = companyId?.toLowerCase() ?? null
      const all = followers.get(key) ?? new Set()
      followers.set(key, all)
      const follower = () => onEvents()
      all.add(follower)
      listener ??= begin()
      return {
        release () {
          all.delete(follower)
          if (all.size === 0 && followers.get(key) === all) followers.delete(key)
        }
      }
    },
    async close () {
      clearInterval(timer)
      await listener?.close()
    }
  }
}
