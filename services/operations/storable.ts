/** Makes text and JSON that came from outside fit for PostgreSQL, which takes neither NUL nor half a surrogate pair. */

/** The text with every NUL and lone surrogate replaced by U+FFFD. */
export function storableText (text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** The same for text that may be absent. */
export function storableOrNull (text: string | null): string | null {
  return text === null ? null : storableText(text)
}

/** JSON text for a jsonb column; strings and keys in it are made storable. */
export function storableJson (value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'string') return storableText(member)
    if (member === null || typeof member !== 'object' || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).map(([key, inner]) => [storableText(key), inner]))
  })
}
