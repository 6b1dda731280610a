/** Masks secrets in text: values of secret-looking variables, tokens and passwords, what configured patterns match, the user's name. */
import { createConfiguredPatterns, type ConfiguredPatterns } from './configured-patterns.ts'
import { isSecretName, secretValues } from './secret-names.ts'
import { findByPattern, openPattern, openValue, type FoundSecret, type Span } from './secret-patterns.ts'

/** What stands where a secret stood. */
export const mask = '***'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Redactor {
  /** The text with every secret in it masked. */
  mask (text: string): string
  /** Where the secrets in the text are, in order; they neither overlap nor are they empty. */
  secrets (text: string): Span[]
  /**
   * Where a secret may begin that the text does not hold to its end: what stands before this index can be
   * masked and shown, the rest has to wait for more text. The length of the text when nothing has to wait.
   */
  safeLength (text: string): number
  /** Where the secret that lies across this index ends: from there on text can be shown. The index itself when none does. */
  endAcross (text: string, index: number): number
  /** A redactor that knows the secrets of this environment too. */
  with (env: Environment): Redactor
  /** The same secrets for text in which each character is one byte of UTF-8 (`latin1`): its places are those of bytes. */
  readonly ofBytes: Redactor
}

export interface RedactorOptions {
  env?: Environment
  /** Masked as a whole word, when given. */
  username?: string | null
  /** What matches one of these within a line is masked; from `parsePatterns`. Text then waits for the end of its line. */
  patterns?: readonly RegExp[]
}

/**
 * What may be a token, a URL or a line waits for its end at most this long, in characters: longer than any header or
 * URL one meets, short enough that a program printing no white space at all is still followed live.
 */
const maxHeldChars = 8192
/** Nothing waits longer than this: no variable's value is longer, only a run of values that lie over each other. */
const maxValueChars = 131_072
/** A longer word holds no user's name. */
const maxWordChars = 256

interface Known {
  /** Longest first. */
  values: readonly string[]
  username: string | null
  configured: ConfiguredPatterns | null
}

interface Finder {
  /** Null when it took too long to tell. */
  find (text: string): FoundSecret[] | null
}

/** Overlapping spans become one. */
function merged (spans: Span[]): Span[] {
  const result: Span[] = []
  for (const span of spans.sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && span.from < last.to) last.to = Math.max(last.to, span.to)
    else if (span.to > span.from) result.push({ ...span })
  }
  return result
}

/** All places where the value stands, also those that lie over each other. */
function * placesOf (text: string, value: string): Generator<Span> {
  for (let from = text.indexOf(value); from >= 0; from = text.indexOf(value, from + 1)) yield { from, to: from + value.length }
}

/** The part of the text that can matter at `index`, and where it begins. */
function around (text: string, index: number): { part: string, start: number } {
  const start = Math.max(0, index - maxHeldChars)
  return { part: text.slice(start, index + maxHeldChars), start }
}

function wordPattern (username: string): RegExp {
  return new RegExp(`(?<![\\w-])${username.replace(/[^\w]/g, '\\$&')}(?![\\w-])`, 'g')
}

/** Everything that is found by more than its value. */
function finderOf ({ username, configured }: Known): Finder {
  const name = username === null ? null : wordPattern(username)
  return {
    find (text) {
      const found = findByPattern(text)
      const plain = (span: Span): FoundSecret => ({ secret: span, whole: span })
      if (name !== null) for (const { index, 0: { length } } of text.matchAll(name)) found.push(plain({ from: index, to: index + length }))
      const more = configured === null ? [] : configured.find(text)
      return more === null ? null : [...found, ...more.map(plain)]
    }
  }
}

/** Where the secrets that lie across `index` begin and end, looking once; null when none does. */
function spanAcross (text: string, index: number, { values }: Known, { find }: Finder): Span | null {
  for (const value of values) {
    const from = text.lastIndexOf(value, index - 1)
    if (from >= 0 && from < index && from + value.length > index) return { from, to: from + value.length }
  }
  const { part, start } = around(text, index)
  // What took too long to find is masked as a whole, wherever it is cut.
  for (const { whole } of find(part) ?? []) {
    const [from, to] = [start + whole.from, start + whole.to]
    if (from < index && to > index) return { from, to }
  }
  return null
}

/** Where something begins that the text may not hold to its end. */
function openFrom (text: string, { values, username, configured }: Known): number {
  let from = text.length
  for (const value of values) from = Math.min(from, openValue(text, value))
  const window = Math.max(0, text.length - maxHeldChars)
  from = Math.min(from, window + openPattern(text.slice(window), window > 0))
  if (username !== null) from = Math.min(from, openValue(text, username))
  // A pattern can only be told at the end of its line.
  if (configured !== null) from = Math.min(from, Math.max(window, text.lastIndexOf('\n') + 1))
  return from
}

/** The beginning of the word that lies across `index`: whether it is the user's name is told by all of it. */
function wordStart (text: string, index: number): number {
  const window = Math.max(0, index - maxWordChars)
  const length = /[\w-]*$/.exec(text.slice(window, index))?.[0].length ?? 0
  return length === maxWordChars ? index : index - length
}

function make (known: Known): Redactor {
  const { values, username } = known
  const finder = finderOf(known)
  let ofBytes: Redactor | null = null

  function secrets (text: string): Span[] | null {
    const found = finder.find(text)
    if (found === null) return null
    const spans = found.map(({ secret }) => secret)
    for (const value of values) spans.push(...placesOf(text, value))
    return merged(spans)
  }

  /** Every line, when it could not be told what of it is secret. */
  const allLines = (text: string): Span[] => [...text.matchAll(/[^\n]+/g)].map(({ index, 0: { length } }) => ({ from: index, to: index + length }))

  function maskText (text: string): string {
    const spans = secrets(text) ?? allLines(text)
    if (spans.length === 0) return text
    let masked = ''
    let shown = 0
    for (const { from, to } of spans) {
      masked += text.slice(shown, from) + mask
      shown = to
    }
    return masked + text.slice(shown)
  }

  return {
    mask: maskText,
    secrets: text => secrets(text) ?? allLines(text),
    safeLength (text) {
      for (let from = openFrom(text, known); ;) {
        if (text.length - from > maxValueChars) return text.length
        const across = from === 0 ? 0 : spanAcross(text, from, known, finder)?.from ?? from
        const earlier = username === null ? across : Math.min(across, wordStart(text, from))
        if (earlier === from) return from
        from = earlier
      }
    },
    endAcross (text, index) {
      for (let end = index; ;) {
        const later = spanAcross(text, end, known, finder)?.to
        if (later === undefined) return end
        end = later
      }
    },
    with: env => make({ ...known, values: sorted([...values, ...secretValues(env)]) }),
    get ofBytes () {
      const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
      ofBytes ??= make({ ...known, values: sorted(values.map(bytes)), username: username === null ? null : bytes(username) })
      return ofBytes
    }
  }
}

/** Longest first, so that the longest is found first where several lie. */
function sorted (values: Iterable<string>): string[] {
  return [...new Set(values)].sort((a, b) => b.length - a.length)
}

/** A redactor for the secrets of an environment; without options it masks tokens and URL passwords only. */
export function createRedactor ({ env = {}, username = null, patterns = [] }: RedactorOptions = {}): Redactor {
  return make({
    values: sorted(secretValues(env)),
    username: username === '' ? null : username,
    configured: patterns.length === 0 ? null : createConfiguredPatterns(patterns)
  })
}

/** The value with every text in it masked, whatever it consists of; for JSON that is stored or shown. */
export function maskedJson<T> (mask: (text: string) => string, value: T): T {
  const masked = (member: unknown): unknown => {
    if (typeof member === 'string') return mask(member)
    if (Array.isArray(member)) return member.map(masked)
    if (member === null || typeof member !== 'object' || member instanceof Date) return member
    return Object.fromEntries(Object.entries(member).map(([key, inner]) => [key, masked(inner)]))
  }
  return masked(value) as T
}

export { isSecretName }
