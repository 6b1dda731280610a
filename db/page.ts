/** Cursors of lists: the sort key of the last row shown, as an opaque text. */

/** Part of a sort key. Times go in as ISO text or milliseconds. */
export type CursorPart = string | number

// A sort key is a few ids and times; anything longer was not made here.
const maxCursorLength = 2_000

/** The sort key as base64url text. */
export function encodeCursor (parts: readonly CursorPart[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

function isPart (value: unknown): value is CursorPart {
  return (typeof value === 'string' && value.isWellFormed() && !value.includes('\0')) ||
    (typeof value === 'number' && Number.isFinite(value))
}

/**
 * The sort key a cursor stands for.
 * @param arity how many parts the list's sort key has
 * @returns null when the text is not such a cursor; what the parts mean is the caller's to check
 */
export function decodeCursor (cursor: string, arity: number): CursorPart[] | null {
  if (cursor.length > maxCursorLength || !/^[\w-]+$/.test(cursor)) return null
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(parts) && parts.length === arity && parts.every(isPart) ? parts : null
  } catch {
    // Not JSON: as malformed as a wrong shape, and answered the same way.
    return null
  }
}
