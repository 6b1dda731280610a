/** Which jobs of a host run now: a bounded number at once, round robin over workspaces, in order within each. Pure; no timers, no database. */

export interface JobPlace {
  /** A slot is free for it, those before it counted: nobody has to be told that it waits. */
  readonly goesAtOnce: boolean
  /** The operation it is shown by. */
  name (operationId: string): void
  /** It takes a while until it is ready: those of its group that came later may go before it. */
  stepAside (): void
  /** All but its turn is there; resolves when that has come. */
  ready (): Promise<void>
  readonly granted: boolean
  /** Gives up its slot or its place. A second call does nothing. */
  leave (): void
}

export interface JobQueue {
  /** Takes a place in the line of a group (a workspace). Until it is ready, other groups go first, and those of its own once it has stepped aside. */
  join (group: string): JobPlace
  /** Its place among all that wait, from 1; null when it does not wait here. */
  positionOf (operationId: string): number | null
  readonly slots: number
}

interface Entry {
  group: string
  operationId: string | null
  ready: boolean
  aside: boolean
  granted: boolean
  grant: () => void
}

/**
 * @param slots how many run at once
 */
export function createJobQueue ({ slots }: { slots: number }): JobQueue {
  /**
   * The entries of each group in the order of joining, those that run among them; groups by whose turn it is next.
   * One that was served goes to the end, and so does who comes new: nobody is overtaken for ever.
   */
  const groups = new Map<string, Entry[]>()
  let joined = 0
  let running = 0
  /** Made when it is asked for, and forgotten with the next change: a list asks for many places at once. */
  let positions: ReadonlyMap<string, number> | null = null

  function grantNext (): void {
    positions = null
    while (running < slots) {
      const entry = nextOf(groups.values())
      if (entry === undefined) return
      const served = groups.get(entry.group) ?? []
      groups.delete(entry.group)
      groups.set(entry.group, served)
      running++
      entry.granted = true
      entry.grant()
    }
  }

  function leave (entry: Entry): void {
    const entries = groups.get(entry.group) ?? []
    const index = entries.indexOf(entry)
    if (index === -1) return
    entries.splice(index, 1)
    if (entries.length === 0) groups.delete(entry.group)
    joined--
    if (entry.granted) running--
    grantNext()
  }

  return {
    slots,
    join (group) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const entry: Entry = { group, operationId: null, ready: false, aside: false, granted: false, grant: resolve }
      const goesAtOnce = joined < slots
      const entries = groups.get(group) ?? []
      entries.push(entry)
      groups.set(group, entries)
      joined++
      positions = null
      return placeOf(entry, { goesAtOnce, promise, grantNext, leave })
    },
    positionOf (operationId) {
      positions ??= positionsIn(groups.values())
      return positions.get(operationId) ?? null
    }
  }
}

/** What who has joined holds; whatever it changes may be somebody's turn. */
function placeOf (entry: Entry, { goesAtOnce, promise, grantNext, leave }: { goesAtOnce: boolean, promise: Promise<void>, grantNext: () => void, leave: (entry: Entry) => void }): JobPlace {
  return {
    goesAtOnce,
    name (operationId) {
      entry.operationId = operationId
      grantNext()
    },
    stepAside () {
      entry.aside = true
      grantNext()
    },
    async ready () {
      entry.ready = true
      grantNext()
      await promise
    },
    get granted () { return entry.granted },
    leave: () => leave(entry)
  }
}

/** Whose turn it is: the first of its group, which is ready, or the first that is behind those that have stepped aside. */
function nextOf (groups: Iterable<readonly Entry[]>): Entry | undefined {
  for (const entries of groups) {
    const entry = entries.find(({ ready, aside, granted }) => !granted && (ready || !aside))
    if (entry?.ready === true) return entry
  }
  return undefined
}

/** The place of everybody who waits, from 1, in the order of their turns, as if all were ready. */
function positionsIn (groups: Iterable<readonly Entry[]>): Map<string, number> {
  const positions = new Map<string, number>()
  let place = 0
  let round = [...groups].map(entries => entries.filter(({ granted }) => !granted).values())
  while (round.length > 0) {
    round = round.filter(group => {
      const { value: entry, done } = group.next()
      if (done === true) return false
      place++
      if (entry.operationId !== null) positions.set(entry.operationId, place)
      return true
    })
  }
  return positions
}
