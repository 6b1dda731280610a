/** A tiny client for the demo and the benchmarks: JSON calls with one expected status, loud otherwise, and followed streams. */

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
  elapsedMs: number
}

export type Call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown, expect?: number, headers?: Record<string, string>) => Promise<Answer<T>>

/**
 * @param baseUrl where the service listens
 * @returns a function that sends JSON and throws an Error with the answer's detail when the status is not `expect` (any 2xx unless given)
 */
export function createClient (baseUrl: string): Call {
  return async <T>(method: string, path: string, body?: unknown, expect?: number, headers: Record<string, string> = {}): Promise<Answer<T>> => {
    const started = performance.now()
    const response = await fetch(baseUrl + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const elapsedMs = performance.now() - started
    const fine = expect === undefined ? response.ok : response.status === expect
    if (!fine) throw new Error(`${method} ${path} answered ${response.status}, not ${expect ?? '2xx'}: ${text}`)
    return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T, headers: response.headers, elapsedMs }
  }
}

/** One server-sent event; `data` is parsed. */
export interface StreamEvent { id: string, event: string, data: Record<string, unknown> }

/**
 * Follows a stream of server-sent events until it ends, or until the loop over it is left.
 * @throws Error when the answer is no such stream
 */
export async function * followEvents (url: string): AsyncGenerator<StreamEvent> {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } })
  if (!response.ok || response.body === null) throw new Error(`GET ${url} answered ${response.status}: ${await response.text()}`)
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
      // A block without data is a comment that keeps the connection open.
      if (fields.has('data')) yield { id: fields.get('id') ?? '', event: fields.get('event') ?? 'message', data: JSON.parse(fields.get('data') ?? '{}') as Record<string, unknown> }
    }
  }
}
