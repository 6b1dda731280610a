/** Reads what a failed statement says about itself; the same for both databases. */

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const uniqueViolation = '23505'
const foreignKeyViolation = '23503'

function field (error: unknown, name: 'code' | 'constraint'): string | null {
  if (!(error instanceof Error) || !(name in error)) return null
  const value = (error as Error & { [key in typeof name]?: unknown })[name]
  return typeof value === 'string' ? value : null
}

function isViolation (error: unknown, code: string, constraint: string | undefined): boolean {
  return field(error, 'code') === code && (constraint === undefined || constraintOf(error) === constraint)
}

/** Name of the constraint (or unique index) a statement broke; null when the error is about something else. */
export function constraintOf (error: unknown): string | null {
  return field(error, 'constraint')
}

/** Whether a row like it is there already. With `constraint`, only for the constraint or unique index of that name. */
export function isUniqueViolation (error: unknown, constraint?: string): boolean {
  return isViolation(error, uniqueViolation, constraint)
}

/** Whether a reference points nowhere, or a row still referred to was to be deleted. */
export function isForeignKeyViolation (error: unknown, constraint?: string): boolean {
  return isViolation(error, foreignKeyViolation, constraint)
}

// Of the system when connecting and talking; of PostgreSQL when it shuts down, starts, is full, or takes no connections to this database.
const lostCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', '57P01', '57P02', '57P03', '53300', '55000'])

/** Whether the database could not be reached, or was lost on the way: the same may work a moment later. */
export function isLostConnection (error: unknown): boolean {
  const code = field(error, 'code')
  if (code !== null) return lostCodes.has(code) || /^08/.test(code)
  // What the driver itself says has no code.
  return error instanceof Error && /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
}
