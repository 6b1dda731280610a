/** jsonb columns are written as JSON text, whichever driver it is. */

export function jsonColumn (value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}
