/** Tells followers what has become of their rows: one query for all that this process follows, while it follows any. */

export interface Followed<State> {
  /** As last seen; null when the row is gone. */
  readonly state: State | null
  release (): void
}

export interface RowWatch<State> {
  /**
   * Follows a row; `onChange` is called when its state has become another.
   * @param state as the caller has just read it
   */
  follow (id: string, state: State, onChange: () => void): Followed<State>
  /** Looks now: for who knows that something has happened. */
  look (): void
  /** How many rows are followed. */
  readonly rows: number
}

export interface RowWatchOptions<State> {
  /** The states of those of the rows that exist, by id. */
  read: (ids: string[]) => Promise<Map<string, State>>
  isSame: (a: State, b: State) => boolean
  everyMs?: number
  /** Told once when looks begin to fail. */
  onFailure: (error: unknown) => void
}

/** Other processes change rows too, so there is no other way that is right on every database. Costs one small query. */
const defaultEveryMs = 400

interface Entry<State> {
  state: State | null
  listeners: Set<() => void>
}

export function createRowWatch<State> ({ read, isSame, everyMs = defaultEveryMs, onFailure }: RowWatchOptions<State>): RowWatch<State> {
  const entries = new Map<string, Entry<State>>()
  let timer: NodeJS.Timeout | null = null
  let looking = false
  let again = false
  let failing = false

  function put (entry: Entry<State>, state: State | null): void {
    const { state: before } = entry
    entry.state = state
    const same = before === state || (before !== null && state !== null && isSame(before, state))
    if (!same) for (const listener of [...entry.listeners]) listener()
  }

  async function lookOnce (): Promise<void> {
    const ids = [...entries.keys()]
    if (ids.length === 0) return
    try {
      const found = await read(ids)
      failing = false
      for (const id of ids) {
        const entry = entries.get(id)
        if (entry !== undefined) put(entry, found.get(id) ?? null)
      }
    } catch (error) {
      if (!failing) onFailure(error)
      failing = true
    }
  }

  /** One query at a time; what happens during one is seen by the next. */
  function look (): void {
    again = looking
    if (looking) return
    looking = true
    lookOnce().finally(() => {
      looking = false
      if (again) look()
    })
  }

  function leave (id: string, entry: Entry<State>): void {
    if (entry.listeners.size > 0) return
    entries.delete(id)
    if (entries.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    look,
    get rows () { return entries.size },
    follow (id, state, onChange) {
      const entry = entries.get(id) ?? { state, listeners: new Set() }
      entries.set(id, entry)
      put(entry, state)
      const listener = () => onChange()
      entry.listeners.add(listener)
      timer ??= setInterval(look, everyMs).unref()
      return {
        get state () { return entry.state },
        release () { if (entry.listeners.delete(listener)) leave(id, entry) }
      }
    }
  }
}
