/** A PostgreSQL client that prepares each statement once a connection: planning costs more than most of our statements do. */
import { createHash } from 'node:crypto'
import pg from 'pg'

/** Statements are few and written by us; only lists of placeholders vary. Beyond this many they go unprepared, so that no server runs full. */
const maxStatements = 1_000
/** "cached plan must not change result type": the schema changed under a prepared `select *`. */
const planOutdated = '0A000'

/** Names statements by their text; shared by all connections of a process. */
export interface StatementNames {
  /** Undefined when the statement is to go unprepared. */
  nameOf (text: string): string | undefined
  /** Every statement is prepared anew, by another name. */
  renew (): void
}

export function createStatementNames (limit = maxStatements): StatementNames {
  const names = new Map<string, string>()
  let generation = 0
  return {
    nameOf (text) {
      const known = names.get(text)
      if (known !== undefined || names.size >= limit) return known
      const name = `b${generation}_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
      names.set(text, name)
      return name
    },
    renew () {
      generation += 1
      names.clear()
    }
  }
}

/** The class of clients for a `pg` pool. Statements without parameters (`begin`, migrations) go as they are. */
export function preparingClient (names: StatementNames = createStatementNames()): typeof pg.Client {
  return class PreparingClient extends pg.Client {
    // The base has a dozen overloads; Kysely uses this one, and whatever else comes is passed on as it is.
    override query (...given: unknown[]): any { // eslint-disable-line @typescript-eslint/no-explicit-any
      const plain = super.query as (...args: unknown[]) => unknown
      const [text, values] = given
      const name = typeof text === 'string' && given.length === 2 && Array.isArray(values) && values.length > 0 ? names.nameOf(text) : undefined
      if (name === undefined) return plain.apply(this, given)
      const answer = plain.call(this, { name, text, values }) as Promise<unknown>
      return answer.catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === planOutdated) names.renew()
        throw error
      })
    }
  }
}
