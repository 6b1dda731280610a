/** Reads `Prefer` (RFC 7240): how long a client wants to wait for the end of what it asks for. */

export interface Preference {
  /** Milliseconds until it would rather hear that the work goes on; null: it waits for the end. */
  waitMs: number | null
  /** What led to `waitMs`, as `Preference-Applied` says it; empty where nothing did. */
  applied: string
}

const none: Preference = { waitMs: null, applied: '' }

/** Node's timers fire at once beyond this (24.8 days), and nobody waits for so long. */
const maxWaitMs = 2_147_483_647

// token [ BWS "=" BWS ( token / quoted-string ) ], then parameters; nothing can be read in two ways, so a long one costs no more than its length.
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const quoted = '"(?:[^"\\\\]|\\\\.)*"'
const value = `[ \\t]*=(?:[ \\t]*(?:(${token})|(${quoted})))?`
const preference = new RegExp(`^[ \\t]*(${token})(?:${value})?[ \\t]*(?:;.*)?$`)

/**
 * What the header asks for. Whatever is malformed or not known is passed over; of a preference that is given twice the
 * first one counts (RFC 7240, section 2).
 * @param header the header's text; several headers joined by commas
 */
export function readPreference (header: string | undefined): Preference {
  if (header === undefined) return none
  const given = new Map<string, string>()
  for (const part of splitAtCommas(header)) {
    const [, name, word, text] = preference.exec(part) ?? []
    if (name === undefined || given.has(name.toLowerCase())) continue
    given.set(name.toLowerCase(), word ?? text?.slice(1, -1).replace(/\\(.)/g, '$1') ?? '')
  }
  // It takes no value: with one it is something else that is not known here.
  const respondAsync = given.get('respond-async') === ''
  const seconds = secondsOf(given.get('wait'))
  if (seconds === null) return respondAsync ? { waitMs: 0, applied: 'respond-async' } : none
  return { waitMs: seconds * 1000 > maxWaitMs ? null : seconds * 1000, applied: `${respondAsync ? 'respond-async, ' : ''}wait=${seconds}` }
}

/** Whole seconds, as `wait` takes them. */
function secondsOf (text: string | undefined): number | null {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : null
}

/** The members of a list; commas inside quotes belong to what is quoted. */
function splitAtCommas (header: string): string[] {
  const parts: string[] = []
  let begin = 0
  let isQuoted = false
  for (let at = 0; at < header.length; at++) {
    const sign = header[at]
    if (isQuoted && sign === '\\') at++
    else if (sign === '"') isQuoted = !isQuoted
    else if (sign === ',' && !isQuoted) {
      parts.push(header.slice(begin, at))
      begin = at + 1
    }
  }
  parts.push(header.slice(begin))
  return parts
}
