/**
 * What was looked up about keys and agents, remembered where that is safe: on the embedded database. There the one session tells
 * of a revocation before it answers that it is done, so nothing is remembered longer than it is true. A server of
 * PostgreSQL tells over another connection, a moment later, and so is asked each time.
 */
import { credentialsChannel } from '../../db/api-keys.ts'
import type { DatabaseKind } from '../../db/client.ts'
import type { Listen } from '../../db/notifications.ts'

export interface Remembered {
  /**
   * What `load` gives, or gave before.
   * @param name what is asked for
   * @param endsWith the credentials (`key:<id>`, `agent:<id>`) with whose end it is forgotten; null: it is not to be remembered
   */
  recall<T> (name: string, load: () => Promise<T>, endsWith: (found: T) => readonly string[] | null): Promise<T>
  close (): Promise<void>
}

export interface RememberedDeps {
  kind: DatabaseKind
  listen: Listen
  log: { warn (details: object, message: string): void }
}

/** More are in use at once nowhere; a flood of them must not fill the memory. */
const maxEntries = 1000

export function createRemembered ({ kind, listen, log }: RememberedDeps): Remembered {
  if (kind !== 'pglite') return { recall: async (_name, load) => await load(), close: async () => {} }
  const entries = new Map<string, { found: unknown, endsWith: readonly string[] }>()
  let ends = 0
  const listener = listen(credentialsChannel, {
    onPayload (ended) {
      ends++
      for (const [name, { endsWith }] of entries) if (endsWith.includes(ended)) entries.delete(name)
    },
    onListening: () => { entries.clear() },
    onLost: err => log.warn({ err }, 'the end of credentials can not be heard of, so each is looked up each time')
  })
  return {
    async recall<T> (name: string, load: () => Promise<T>, endsWith: (found: T) => readonly string[] | null): Promise<T> {
      if (!listener.listening) return await load()
      const known = entries.get(name)
      if (known !== undefined) return known.found as T
      const before = ends
      const found = await load()
      const names = endsWith(found)
      // Something that ended while it was looked up may be just this.
      if (names === null || ends !== before) return found
      if (entries.size >= maxEntries) entries.clear()
      entries.set(name, { found, endsWith: names })
      return found
    },
    close: async () => { await listener.close() }
  }
}
