/** A look that is repeated for as long as its owner lives. */

export interface RepeatedOptions {
  everyMs: number
  /** Never begun while the one before is under way. */
  look: () => Promise<unknown>
  /** Told of a look that failed; `again` when the one before it had failed too. */
  onFailure: (error: unknown, again: boolean) => void
}

/** Looks until stopped, first after `everyMs`. The stop resolves when no look is under way any more. */
export function startRepeated ({ everyMs, look, onFailure }: RepeatedOptions): () => Promise<void> {
  let looking: Promise<void> | null = null
  let failing = false

  async function lookOnce (): Promise<void> {
    try {
      await look()
      failing = false
    } catch (error) {
      onFailure(error, failing)
      failing = true
    } finally {
      looking = null
    }
  }

  const timer = setInterval(() => { looking ??= lookOnce() }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await looking
  }
}
