/** Waiting for something that may not come. */

/** Resolves to true when the promise resolves within the time, to false when not; the promise goes on. Throws what it throws by then. */
export async function settlesWithin (promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  try {
    return await Promise.race([promise.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
