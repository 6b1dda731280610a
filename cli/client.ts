/** A tiny JSON client for the demo and the benchmarks: one call, one expected status, loud otherwise. */

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
  elapsedMs: number
}

export type Call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, expect?: number) => Promise<Answer<T>>

/**
 * @param baseUrl where the service listens
 * @returns a function that sends JSON and throws an Error with the answer's detail when the status is not `expect` (any 2xx unless given)
 */
export function createClient (baseUrl: string): Call {
  return async <T>(method: string, path: string, body?: unknown, expect?: number): Promise<Answer<T>> => {
    const started = performance.now()
    const response = await fetch(baseUrl + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    })
    const text = await response.text()
    const elapsedMs = performance.now() - started
    const fine = expect === undefined ? response.ok : response.status === expect
    if (!fine) throw new Error(`${method} ${path} answered ${response.status}, not ${expect ?? '2xx'}: ${text}`)
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T, headers: response.headers, elapsedMs }
  }
}
