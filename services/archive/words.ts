/** Counts in words, singular and plural right. */

/** `1 file`, `3 files`; with a plural of its own where an `s` is not it. */
export function counted (count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** The word alone, in the right number. */
export function numbered (count: number, one: string, many: string): string {
  return count === 1 ? one : many
}

/** `a`, `a and b`, `a, b and c`; at most `shown` of them, then how many more. */
export function listed (items: readonly string[], shown = 5): string {
  const named = items.length > shown ? [...items.slice(0, shown), `${items.length - shown} more`] : items
  if (named.length < 2) return named.join('')
  return `${named.slice(0, -1).join(', ')} and ${named[named.length - 1]}`
}
