/** Lends the embedded database's one session: first come, first served. */

/** The session did not become free in time. */
export class SessionAcquireTimeout extends Error {
  constructor (waitedMs: number) {
    super(`The embedded database's one session did not become free within ${waitedMs} ms. ` +
      'A query on `db` inside a transaction waits for ever: use the transaction\'s own handle there.')
    this.name = 'SessionAcquireTimeout'
  }
}

interface Waiter {
  resolve: () => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

/** First come, first served; a waiter gives up after its time. */
export class SessionMutex {
  readonly #timeoutMs: number
  #held = false
  #closed = false
  #waiters: Waiter[] = []

  constructor (timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  async acquire (): Promise<void> {
    if (this.#closed) throw new Error('The embedded database is closed')
    if (!this.#held) {
      this.#held = true
      return
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        timer: setTimeout(() => {
          this.#waiters = this.#waiters.filter(other => other !== waiter)
          reject(new SessionAcquireTimeout(this.#timeoutMs))
        }, this.#timeoutMs)
      }
      this.#waiters.push(waiter)
    })
  }

  release (): void {
    const next = this.#waiters.shift()
    if (next === undefined) {
      this.#held = false
      return
    }
    clearTimeout(next.timer)
    next.resolve()
  }

  /** Turns waiters away and waits for the holder, but no longer than `graceMs`. */
  async close (graceMs: number): Promise<void> {
    this.#closed = true
    for (const { timer, reject } of this.#waiters.splice(0)) {
      clearTimeout(timer)
      reject(new Error('The embedded database is closed'))
    }
    if (!this.#held) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, graceMs)
      this.#waiters.push({ resolve, reject: () => resolve(), timer })
    })
  }
}
