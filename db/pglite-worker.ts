/** The thread that runs the embedded database: PostgreSQL's wire protocol in, its answer out. */
import { readFile } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

/** What the thread is started with. */
export interface PgliteWorkerData {
  /** Folder of the data; null keeps everything in memory. */
  dataDir: string | null
  /** File made by `dumpDataDir`: what a new database begins as. */
  snapshot: string | null
}

/** To the thread. `connect` comes before the first bytes of each new client. */
export type ToPglite =
  | { type: 'connect' }
  | { type: 'execute', bytes: Uint8Array }
  | { type: 'dump' }
  | { type: 'close' }

/** From the thread. */
export type FromPglite =
  | { type: 'ready' }
  | { type: 'answer', bytes: Uint8Array }
  | { type: 'dumped', bytes: Uint8Array }
  | { type: 'failed', message: string }

// The default of 128 MiB is for a server with many sessions; this is one (302 -> 170 MB resident).
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB']

async function open ({ dataDir, snapshot }: PgliteWorkerData): Promise<PGlite> {
  return await PGlite.create({
    dataDir: dataDir ?? 'memory://',
    startParams,
    ...(snapshot === null ? {} : { loadDataDir: new Blob([await readFile(snapshot)]) })
  })
}

/** A message always holds whole protocol messages, so one call answers it in full. */
async function execute (database: PGlite, message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  // The streaming call, because the plain one also keeps every parsed answer for ever.
  // The bytes are a view into the database's memory: copy them before it goes on.
  await database.execProtocolRawStream(message, { onRawData: bytes => { chunks.push(Buffer.from(bytes)) } })
  const answer = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    answer.set(chunk, offset)
    offset += chunk.length
  }
  return answer
}

/** Ends what a client before left open: there is one session, whoever connects. */
async function resetSession (database: PGlite): Promise<void> {
  if (database.isInTransaction()) await database.exec('rollback')
}

async function handle (database: PGlite, message: ToPglite, send: (message: FromPglite, transfer?: ArrayBuffer[]) => void): Promise<void> {
  if (message.type === 'connect') await resetSession(database)
  if (message.type === 'execute') {
    const bytes = await execute(database, message.bytes)
    // A client's goodbye has no answer.
    if (bytes.length > 0) send({ type: 'answer', bytes }, [bytes.buffer])
  }
  if (message.type === 'dump') {
    // Not compressed: unpacking would double the time a database needs to start from it (600 -> 230 ms).
    const dump = await database.dumpDataDir('none')
    const bytes = new Uint8Array(await dump.arrayBuffer())
    send({ type: 'dumped', bytes }, [bytes.buffer])
  }
  if (message.type === 'close') {
    await database.close()
    process.exit(0)
  }
}

async function main (): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error('pglite-worker.ts runs in a worker thread only')
  const send = (message: FromPglite, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  const fail = (error: unknown): void => send({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  try {
    const database = await open(workerData as PgliteWorkerData)
    // One after the other: the answers carry no number, their order is what matches them.
    let last: Promise<void> = Promise.resolve()
    port.on('message', (message: ToPglite) => { last = last.then(() => handle(database, message, send)).catch(fail) })
    send({ type: 'ready' })
  } catch (error) {
    fail(error)
  }
}

await main()
