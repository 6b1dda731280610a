/** Runs the SQL texts of a library that brings its own, several statements in one text too. */
import type { PostgresPool } from 'kysely'

/**
 * Runs a text on a connection of its own; without values it may hold several statements.
 * @returns the rows of all statements, one after the other
 */
export type RunText = (text: string, values?: readonly unknown[]) => Promise<{ rows: unknown[] }>

/** Kysely keeps only the rows of a single statement, so this goes past it. */
export function runTextOn (pool: PostgresPool): RunText {
  return async (text, values = []) => {
    const client = await pool.connect()
    try {
      const result: unknown = await client.query(text, values)
      return { rows: (Array.isArray(result) ? result : [result]).flatMap((one: { rows?: unknown[] }) => one.rows ?? []) }
    } catch (error) {
      // The text may have begun a transaction, which would be left to whoever gets the connection next.
      await client.query('rollback', []).catch(() => {}) // the connection is gone, and its transaction with it
      throw error
    } finally {
      client.release()
    }
  }
}
