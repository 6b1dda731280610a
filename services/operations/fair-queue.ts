/** Who may go next: a first-come-first-served queue for one resource, shared or exclusive. Pure; no timers, no database. */

export type LockMode = 'shared' | 'exclusive'

export interface Ticket {
  readonly mode: LockMode
  /** Resolves when it is this one's turn. */
  readonly turn: Promise<void>
  readonly granted: boolean
  /** Gives up its turn or its place. A second call does nothing. */
  leave (): void
}

export interface FairQueue<Holder> {
  /** Takes a place; the turn may come at once. */
  join (mode: LockMode, holder: Holder): Ticket
  /** Those whose turn it is. */
  holders (): Holder[]
  readonly empty: boolean
}

interface Place<Holder> {
  mode: LockMode
  holder: Holder
  granted: boolean
  grant: () => void
}

/**
 * Shared ones that come one after another go together; a shared one never overtakes an exclusive one that waits,
 * so neither can starve.
 */
export function createFairQueue<Holder> (): FairQueue<Holder> {
  let places: Array<Place<Holder>> = []

  function grantNext (): void {
    for (const [index, place] of places.entries()) {
      if (place.mode === 'exclusive' && index > 0) return
      if (!place.granted) {
        place.granted = true
        place.grant()
      }
      if (place.mode === 'exclusive') return
    }
  }

  return {
    join (mode, holder) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const place: Place<Holder> = { mode, holder, granted: false, grant: resolve }
      places.push(place)
      grantNext()
      return {
        mode,
        turn: promise,
        get granted () { return place.granted },
        leave () {
          places = places.filter(other => other !== place)
          grantNext()
        }
      }
    },
    holders: () => places.filter(place => place.granted).map(place => place.holder),
    get empty () { return places.length === 0 }
  }
}
