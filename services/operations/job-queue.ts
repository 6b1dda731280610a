/** Which jobs of a host run now: a bounded number at once, round robin over workspaces, in order within each. Pure; no timers, no database. */

export interface JobPlace {
  /** A slot is free for it, those before it counted: nobody has to be told that it waits. */
  readonly goesAtOnce: boolean
  /** The operation it is shown by. */
  name (operationId: string): void
  /** All but its turn is there; resolves when that has come. */
  ready (): Promise<void>
  readonly granted: boolean
  /** Gives up its slot or its place. A second call does nothing. */
  leave (): void
}

export interface JobQueue {
  /** Takes a place in the line of a group (a workspace). It is passed over until it is ready. */
  join (group: string): JobPlace
  /** Its place among all that wait, from 1; null when it does not wait here. */
  positionOf (operationId: string): number | null
  readonly slots: number
}

interface Entry {
  group: string
  operationId: string | null
  ready: boolean
  granted: boolean
  grant: () => void
}

/**
 * @param slots how many run at once
 */
export function createJobQueue ({ slots }: { slots: number }): JobQueue {
  /** In the order of joining; those that run are among them. */
  let entries: Entry[] = []
  /** Groups by whose turn it is next. One that was served goes to the end, and so does who comes new: nobody is overtaken for ever. */
  let rotation: string[] = []

  const running = () => entries.filter(entry => entry.granted).length

  function grantNext (): void {
    while (running() < slots) {
      const group = rotation.find(name => entries.some(entry => isNext(entry, name)))
      const entry = entries.find(one => isNext(one, group))
      if (group === undefined || entry === undefined) return
      rotation = served(rotation, group)
      entry.granted = true
      entry.grant()
    }
  }

  /** Everybody who waits, in the order of their turns, as if all were ready. */
  function line (): Entry[] {
    const waiting = new Map(rotation.map(group => [group, entries.filter(entry => entry.group === group && !entry.granted)]))
    const order: Entry[] = []
    for (let round = 0, before = -1; before !== order.length; round++) {
      before = order.length
      for (const group of rotation) order.push(...(waiting.get(group) ?? []).slice(round, round + 1))
    }
    return order
  }

  function leave (entry: Entry): void {
    entries = entries.filter(other => other !== entry)
    rotation = rotation.filter(group => entries.some(other => other.group === group))
    grantNext()
  }

  return {
    slots,
    join (group) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const entry: Entry = { group, operationId: null, ready: false, granted: false, grant: resolve }
      const goesAtOnce = entries.length < slots
      entries.push(entry)
      if (!rotation.includes(group)) rotation.push(group)
      return {
        goesAtOnce,
        name (operationId) { entry.operationId = operationId },
        async ready () {
          entry.ready = true
          grantNext()
          await promise
        },
        get granted () { return entry.granted },
        leave: () => leave(entry)
      }
    },
    positionOf (operationId) {
      const index = line().findIndex(entry => entry.operationId === operationId)
      return index === -1 ? null : index + 1
    }
  }
}

function isNext (entry: Entry, group: string | undefined): boolean {
  return entry.group === group && entry.ready && !entry.granted
}

function served (rotation: readonly string[], group: string): string[] {
  return [...rotation.filter(name => name !== group), group]
}
