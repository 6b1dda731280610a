/** Masks secrets in text: values of secret-looking variables, bearer tokens, passwords in URLs, the user's name. */
import { isSecretName, secretValues } from './secret-names.ts'

/** What stands where a secret stood. */
export const mask = '***'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Redactor {
  /** The text with every secret in it masked. */
  mask (text: string): string
  /**
   * Where a secret may begin that the text does not hold to its end: what stands before this index can be
   * masked and shown, the rest has to wait for more text. The length of the text when nothing has to wait.
   */
  safeLength (text: string): number
  /** Where the secret that lies across this index ends: from there on text can be shown. The index itself when none does. */
  endAcross (text: string, index: number): number
  /** A redactor that knows the secrets of this environment too. */
  with (env: Environment): Redactor
}

export interface RedactorOptions {
  env?: Environment
  /** Masked as a whole word, when given. */
  username?: string | null
}

/**
 * Text waits for its end at most this long, in characters: longer than any header or URL one meets,
 * short enough that a program printing no white space at all is still followed live.
 */
const maxHeldChars = 8192

/** `Bearer` and its token; a token has 8 characters, or 4 with a digit among them, so that prose is left alone. */
const bearer = /\b(bearer[ \t]+)(?:(?=[\w.~+/=-]*\d)[\w.~+/=-]{4,}|[\w.~+/=-]{8,})/gi
const basic = /(authorization["']?[ \t]*[:=][ \t]*["']?(?:basic|token)[ \t]+)[\w.~+/=-]{4,}/gi
/** Begins at the colon: a pattern that begins with the scheme is quadratic on long words. */
const urlPassword = /(:\/\/[^\s/:@]*:)[^\s/@]+@/g
/** `https://<token>@host`: a name this long is no user's name. */
const urlToken = /(:\/\/)[^\s/:@]{20,}@/g

/** Unfinished at the end of the text: the beginning of one of the patterns above. */
const openEnds = [
  /\bbearer[ \t]*(?:[ \t][\w.~+/=-]*)?$/i,
  /authorization["']?[ \t]*(?:[:=][ \t]*["']?[a-z]*(?:[ \t]+[\w.~+/=-]*)?)?$/i,
  /:\/\/[^\s/@]*$/,
  /:\/?$/
]

/** Words that begin a pattern; a chunk may end inside one. */
const openingWords = ['bearer', 'authorization']

/** Longest first, so that a value that holds another one is masked as a whole. */
function sorted (values: Iterable<string>): string[] {
  return [...new Set(values)].sort((a, b) => b.length - a.length)
}

/** Where the longest unfinished beginning of `value` at the end of `text` starts; the text's length when there is none. */
function openValue (text: string, value: string): number {
  for (let start = Math.max(0, text.length - value.length + 1); start < text.length; start++) {
    if (text.charCodeAt(start) === value.charCodeAt(0) && value.startsWith(text.slice(start))) return start
  }
  return text.length
}

/** The secret that lies across `index`: where it starts and ends; null when none does. */
function spanAcross (text: string, index: number, values: readonly string[], patterns: readonly RegExp[]): { from: number, to: number } | null {
  for (const value of values) {
    const from = text.lastIndexOf(value, index - 1)
    if (from >= 0 && from < index && from + value.length > index) return { from, to: from + value.length }
  }
  for (const pattern of patterns) {
    for (const match of text.matchAll(pattern)) {
      const to = match.index + match[0].length
      if (match.index < index && to > index) return { from: match.index, to }
    }
  }
  return null
}

function make (values: readonly string[], username: string | null): Redactor {
  const name = username === null ? null : new RegExp(`(?<![\\w-])${username.replace(/[^\w]/g, '\\$&')}(?![\\w-])`, 'g')
  const patterns = [bearer, basic, urlPassword, urlToken, ...(name === null ? [] : [name])]

  function maskText (text: string): string {
    let masked = text
    for (const value of values) if (masked.includes(value)) masked = masked.replaceAll(value, mask)
    masked = masked.replace(bearer, `$1${mask}`)
    if (/authorization/i.test(masked)) masked = masked.replace(basic, `$1${mask}`)
    if (masked.includes('://')) masked = masked.replace(urlPassword, `$1${mask}@`).replace(urlToken, `$1${mask}@`)
    return name === null ? masked : masked.replace(name, mask)
  }

  function openFrom (text: string): number {
    let from = text.length
    for (const value of values) from = Math.min(from, openValue(text, value))
    if (username !== null) {
      from = Math.min(from, openValue(text, username))
      // What follows decides whether it is the name or only the beginning of a word.
      const at = text.lastIndexOf(username)
      if (at >= 0 && /^[\w-]*$/.test(text.slice(at + username.length))) from = Math.min(from, at)
    }
    const lower = text.toLowerCase()
    // A text whose length changes in lower case (İ) is beyond what these words need.
    if (lower.length === text.length) for (const word of openingWords) from = Math.min(from, openValue(lower, word))
    for (const pattern of openEnds) from = Math.min(from, pattern.exec(text)?.index ?? text.length)
    return from
  }

  return {
    mask: maskText,
    safeLength (text) {
      const window = Math.max(0, text.length - maxHeldChars)
      const end = text.slice(window)
      let from = openFrom(end)
      for (;;) {
        const earlier = from < end.length ? spanAcross(end, from, values, patterns)?.from ?? from : from
        if (earlier === from) return from === 0 && window > 0 ? text.length : window + from
        from = earlier
      }
    },
    endAcross (text, index) {
      for (let end = index; ;) {
        const later = spanAcross(text, end, values, patterns)?.to
        if (later === undefined) return end
        end = later
      }
    },
    with: (env) => make(sorted([...values, ...secretValues(env)]), username)
  }
}

/** A redactor for the secrets of an environment; without options it masks tokens and URL passwords only. */
export function createRedactor ({ env = {}, username = null }: RedactorOptions = {}): Redactor {
  return make(sorted(secretValues(env)), username === '' ? null : username)
}

export { isSecretName }
