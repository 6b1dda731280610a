/** Hears what transactions notify on a channel (LISTEN), over a connection of its own that comes back when it is lost. */
import pg from 'pg'

/** What a listener is told. */
export interface Hearing {
  onPayload: (payload: string) => void
  /** Listening (again): what was notified before may have been missed. */
  onListening: () => void
  /** Told once a loss: nothing is heard until `onListening`. */
  onLost: (error: unknown) => void
}

export interface Listener {
  /** False while nothing can be heard. */
  readonly listening: boolean
  close (): Promise<void>
}

/** Begins to listen on a channel: a name of letters, digits and underscores. */
export type Listen = (channel: string, hearing: Hearing) => Listener

// At first a restart of the server is waited for, then an outage.
const firstRetryMs = 250
const maxRetryMs = 5_000
const connectTimeoutMs = 10_000
// A connection that is dead without a word (a firewall, a failover) is found by this probe.
const probeEveryMs = 20_000

/** Listens to a PostgreSQL server; the connection is opened in the background. */
export function listenByConnection (connectionString: string): Listen {
  return (channel, hearing) => {
    let client: pg.Client | null = null
    let [listening, closed, told] = [false, false, false]
    let retryMs = firstRetryMs
    let timer: NodeJS.Timeout | undefined
    let last: Promise<unknown> = Promise.resolve()

    async function connect (): Promise<void> {
      const made = new pg.Client({ connectionString, connectionTimeoutMillis: connectTimeoutMs, query_timeout: connectTimeoutMs, keepAlive: true, application_name: 'berth-events' })
      client = made
      made.on('error', error => lose(made, error))
      made.on('end', () => lose(made, new Error('the server ended the connection')))
      made.on('notification', ({ payload }) => hearing.onPayload(payload ?? ''))
      try {
        await made.connect()
        await made.query(`listen ${channel}`)
        if (client !== made) return
        ;[listening, told, retryMs] = [true, false, firstRetryMs]
        hearing.onListening()
        timer = setInterval(() => { made.query('select').catch((error: unknown) => lose(made, error)) }, probeEveryMs).unref()
      } catch (error) {
        lose(made, error)
      }
    }

    function lose (lost: pg.Client, error: unknown): void {
      if (client !== lost) return
      client = null
      listening = false
      clearInterval(timer)
      lost.end().catch(() => {}) // it is lost, so nobody waits for its goodbye
      if (closed) return
      if (!told) hearing.onLost(error)
      told = true
      timer = setTimeout(() => { last = connect() }, retryMs).unref()
      retryMs = Math.min(retryMs * 2, maxRetryMs)
    }

    last = connect()
    return {
      get listening () { return listening },
      async close () {
        closed = true
        clearTimeout(timer)
        const open = client
        client = null
        listening = false
        await open?.end().catch(() => {}) // it may never have been open
        await last
      }
    }
  }
}

/** The part of the embedded database's session that hears. */
export interface HearingSession {
  /** Runs a statement without an answer. */
  run (statement: string): Promise<void>
  onNotification (heard: (channel: string, payload: string) => void): () => void
}

/** Listens to the embedded database, over its one session. */
export function listenBySession (session: HearingSession): Listen {
  return (channel, { onPayload, onListening, onLost }) => {
    let listening = false
    const leave = session.onNotification((name, payload) => { if (name === channel) onPayload(payload) })
    const begun = session.run(`listen ${channel}`).then(() => {
      listening = true
      onListening()
    }, onLost)
    return {
      get listening () { return listening },
      async close () {
        listening = false
        leave()
        await begun
      }
    }
  }
}
