/** Tells who keeps a request open for long, such as a stream, when what it came in with has ended: expired, revoked, its agent terminated. */
import { credentialsChannel, endedCredentials } from '../../db/api-keys.ts'
import type { Db } from '../../db/client.ts'
import type { Listen, Listener } from '../../db/notifications.ts'
import type { Actor } from './actor.ts'

export interface Watch {
  /** Aborts when the credential has ended. */
  readonly signal: AbortSignal
  /** To be called when nobody needs to know any more. */
  release (): void
}

export interface CredentialEnds {
  watch (actor: Actor): Watch
  close (): Promise<void>
}

export interface CredentialEndsDeps {
  db: Db
  listen: Listen
  log: { warn (details: object, message: string): void }
  /** How often to look while nothing can be heard of. */
  pollMs?: number
}

const defaultPollMs = 2000
/** Timers hold no more; what lasts longer is looked at again then. */
const maxTimerMs = 2_147_483_647

/** In the words of the channel. */
function namesOf (actor: Actor): string[] {
  const names = actor.type === 'agent' ? [`agent:${actor.agentId.toLowerCase()}`] : []
  if ('keyId' in actor && actor.keyId !== undefined) names.push(`key:${actor.keyId.toLowerCase()}`)
  return names
}

/** Begins to listen with the first credential that can be taken away. */
export function createCredentialEnds ({ db, listen, log, pollMs = defaultPollMs }: CredentialEndsDeps): CredentialEnds {
  const watched = new Map<string, Set<AbortController>>()
  let listener: Listener | null = null
  let poll: NodeJS.Timeout | undefined

  function end (name: string): void {
    for (const controller of [...watched.get(name) ?? []]) controller.abort()
  }

  /** Looks what has ended meanwhile; between a login and its watch too there is time for it. */
  function look (names: Iterable<string>): void {
    const ids = (kind: string) => [...names].filter(name => name.startsWith(kind)).map(name => name.slice(kind.length))
    const [keyIds, agentIds] = [ids('key:'), ids('agent:')]
    if (keyIds.length + agentIds.length === 0) return
    endedCredentials(db, keyIds, agentIds)
      .then(ended => ended.forEach(end), (error: unknown) => log.warn({ err: error }, 'whether credentials have ended can not be looked up'))
  }
  const lookAtAll = () => look([...watched.keys()])

  function begin (): Listener {
    poll = setInterval(() => { if (listener?.listening === false) lookAtAll() }, pollMs).unref()
    return listen(credentialsChannel, {
      onPayload: end,
      onListening: lookAtAll,
      onLost: err => log.warn({ err }, `the end of credentials can not be heard of; until that is over it is looked for every ${pollMs} ms`)
    })
  }

  return {
    watch (actor) {
      const controller = new AbortController()
      const names = namesOf(actor)
      for (const name of names) watched.set(name, (watched.get(name) ?? new Set()).add(controller))
      if (names.length > 0) listener ??= begin()
      look(names)
      const stopTimer = abortAt(controller, 'validUntil' in actor ? actor.validUntil : undefined)
      return {
        signal: controller.signal,
        release () {
          stopTimer()
          for (const name of names) {
            const all = watched.get(name)
            all?.delete(controller)
            if (all?.size === 0) watched.delete(name)
          }
        }
      }
    },
    async close () {
      clearInterval(poll)
      await listener?.close()
    }
  }
}

/** Aborts at that time; gives the function that takes it back. */
function abortAt (controller: AbortController, time: Date | undefined): () => void {
  if (time === undefined) return () => {}
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    const leftMs = time.getTime() - Date.now()
    if (leftMs <= 0) controller.abort()
    else timer = setTimeout(wait, Math.min(leftMs, maxTimerMs)).unref()
  }
  wait()
  return () => clearTimeout(timer)
}
