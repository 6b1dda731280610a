/**
 * What was looked up about keys and agents, remembered where that is safe. The embedded database's one session tells of a revocation
 * before it answers that it is done, so nothing is remembered longer than it is true. A server of PostgreSQL tells over another
 * connection, a moment later: there all is forgotten before a write is answered, and nothing is remembered for more than a second.
 */
import { credentialsChannel } from '../../db/api-keys.ts'
import type { DatabaseKind } from '../../db/client.ts'
import type { Listen, Listener } from '../../db/notifications.ts'

export interface Remembered {
  /**
   * What `load` gives, or gave before.
   * @param name what is asked for
   * @param endsWith the credentials (`key:<id>`, `agent:<id>`) with whose end it is forgotten; null: it is not to be remembered
   */
  recall<T> (name: string, load: () => Promise<T>, endsWith: (found: T) => readonly string[] | null): Promise<T>
  /** Forgets all: this process may have ended a credential. What is being looked up at this moment is not remembered. */
  forget (): void
  close (): Promise<void>
}

export interface RememberedDeps {
  kind: DatabaseKind
  listen: Listen
  /** Milliseconds of a clock that is never set. */
  now: () => number
  log: { warn (details: object, message: string): void }
}

/** More are in use at once nowhere; a flood of them must not fill the memory. */
const maxEntries = 1000
/** A server's word takes milliseconds. When its connection has died unnoticed, a revoked key is good at another host for this long. */
const serverHoldMs = 1000

/** Begins to listen with the first question. */
export function createRemembered ({ kind, listen, now, log }: RememberedDeps): Remembered {
  const holdMs = kind === 'pglite' ? Infinity : serverHoldMs
  const entries = new Map<string, { found: unknown, endsWith: readonly string[], until: number }>()
  let ends = 0
  let listener: Listener | null = null

  function forget (): void {
    ends++
    entries.clear()
  }

  const begin = () => listen(credentialsChannel, {
    onPayload (ended) {
      ends++
      for (const [name, { endsWith }] of entries) if (endsWith.includes(ended)) entries.delete(name)
    },
    onListening: forget,
    onLost: err => log.warn({ err }, 'the end of credentials can not be heard of, so each is looked up each time')
  })

  return {
    async recall<T> (name: string, load: () => Promise<T>, endsWith: (found: T) => readonly string[] | null): Promise<T> {
      listener ??= begin()
      if (!listener.listening) return await load()
      const known = entries.get(name)
      const at = now()
      if (known !== undefined && at < known.until) return known.found as T
      const before = ends
      const found = await load()
      const names = endsWith(found)
      // Something that ended while it was looked up may be just this.
      if (names === null || ends !== before) return found
      if (entries.size >= maxEntries) entries.clear()
      entries.set(name, { found, endsWith: names, until: at + holdMs })
      return found
    },
    forget,
    close: async () => { await listener?.close() }
  }
}
