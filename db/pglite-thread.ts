/** The thread of the embedded database as seen from outside, and the "socket" `pg` reaches it by. */
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import type { FromPglite, PgliteWorkerData, ToPglite } from './pglite-worker.ts'

/** The way to an embedded database, wherever it runs. */
export interface PgliteConnection {
  /** Why it can answer no more; null while it can. */
  readonly failure: Error | null
  onAnswer: (bytes: Uint8Array) => void
  onFailure: (error: Error) => void
  send(message: ToPglite, transfer?: ArrayBuffer[]): void
  expect(type: FromPglite['type']): Promise<FromPglite>
  close(): Promise<void>
}

/** Messages to and from the thread, with its end turned into an error. */
export class PgliteThread implements PgliteConnection {
  readonly #worker: Worker
  #failure: Error | null = null
  #closing = false
  #waiting: { type: FromPglite['type'], resolve: (message: FromPglite) => void, reject: (error: Error) => void } | null = null
  onAnswer: (bytes: Uint8Array) => void = () => {}
  onFailure: (error: Error) => void = () => {}

  constructor (data: PgliteWorkerData) {
    // The extension is that of this file: `.ts` from the sources, `.js` from a build.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    this.#worker = new Worker(new URL(`./pglite-worker${extension}`, import.meta.url), { workerData: data, name: 'pglite' })
    this.#worker.on('message', (message: FromPglite) => this.#receive(message))
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.on('exit', code => { if (!this.#closing) this.#fail(new Error(`its thread ended with code ${code}`)) })
  }

  get failure (): Error | null {
    return this.#failure
  }

  send (message: ToPglite, transfer: ArrayBuffer[] = []): void {
    if (this.#failure !== null) throw this.#failure
    this.#worker.postMessage(message, transfer)
  }

  async expect (type: FromPglite['type']): Promise<FromPglite> {
    if (this.#failure !== null) throw this.#failure
    return await new Promise((resolve, reject) => { this.#waiting = { type, resolve, reject } })
  }

  /** Closes the database in an orderly way and waits for the end of the thread. */
  async close (): Promise<void> {
    if (this.#failure !== null || this.#closing) return
    this.#closing = true
    const exited = new Promise<void>(resolve => this.#worker.once('exit', () => resolve()))
    this.#worker.postMessage({ type: 'close' } satisfies ToPglite)
    await exited
  }

  #receive (message: FromPglite): void {
    if (message.type === 'answer') this.onAnswer(message.bytes)
    else if (message.type === 'failed') this.#fail(new Error(message.message))
    else if (this.#waiting?.type === message.type) {
      this.#waiting.resolve(message)
      this.#waiting = null
    }
  }

  #fail (cause: Error): void {
    if (this.#failure !== null) return
    this.#failure = new Error(`The embedded database stopped: ${cause.message}`, { cause })
    this.#waiting?.reject(this.#failure)
    this.onFailure(this.#failure)
    this.#worker.terminate().catch(() => {}) // it is gone already
  }
}

/** The "socket" that `pg` talks to: what it writes goes to the thread, what comes back is read. */
export class PgliteSocket extends Duplex {
  readonly #thread: PgliteConnection

  constructor (thread: PgliteConnection) {
    super()
    this.#thread = thread
    thread.onAnswer = bytes => this.push(bytes)
    thread.onFailure = error => this.destroy(error)
  }

  // What `pg` asks of a TCP socket and a thread has no need for.
  setNoDelay (): this { return this }
  setKeepAlive (): this { return this }
  ref (): this { return this }
  unref (): this { return this }

  connect (): this {
    this.#thread.send({ type: 'connect' })
    process.nextTick(() => this.emit('connect'))
    return this
  }

  override _read (): void {}

  override _write (chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this._writev([{ chunk }], done)
  }

  /** `pg` corks the messages of one query, so they come here together and are answered together. */
  override _writev (chunks: readonly { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    // Own memory, not a slice of Buffer's pool: it is handed over, not copied.
    const bytes = new Uint8Array(chunks.reduce((total, { chunk }) => total + chunk.length, 0))
    let offset = 0
    for (const { chunk } of chunks) {
      bytes.set(chunk, offset)
      offset += chunk.length
    }
    try {
      this.#thread.send({ type: 'execute', bytes }, [bytes.buffer])
      done()
    } catch (error) {
      done(error as Error)
    }
  }

  override _final (done: (error?: Error | null) => void): void {
    this.push(null)
    done()
  }
}
