/** Changes of one thing one after the other, in the order they came; of different things at once. */

export type OneAtATime = <T>(key: string, work: () => Promise<T>) => Promise<T>

export function createOneAtATime (): OneAtATime {
  /** Of each key that is at work, the end of the last one in line; never rejects. */
  const ends = new Map<string, Promise<void>>()
  return async (key, work) => {
    const before = ends.get(key) ?? Promise.resolve()
    const running = before.then(work)
    const end = running.then(() => {}, () => {})
    ends.set(key, end)
    try {
      return await running
    } finally {
      if (ends.get(key) === end) ends.delete(key)
    }
  }
}
