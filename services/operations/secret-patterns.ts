/** What looks like a secret by what stands around it: bearer tokens, authorization headers, passwords and tokens in URLs. */

/** A stretch of a text, in UTF-16 units; `to` is behind its end. */
export interface Span {
  from: number
  to: number
}

/** A secret, and what has to be seen together to know that it is one. */
export interface FoundSecret {
  secret: Span
  whole: Span
}

interface Pattern {
  /** Group 1 is what stands before the secret. */
  regex: RegExp
  /** Characters of the match behind the secret. */
  after: number
}

/**
 * A token has 8 characters, or 4 with a digit among them, so that prose is left alone. No pattern may look at what
 * stands before it: that may have been shown already when the pattern comes.
 */
const bearer = /(bearer[ \t]+)(?:(?=[\w.~+/=-]*\d)[\w.~+/=-]{4,}|[\w.~+/=-]{8,})/gi
const basic = /(authorization["']?[ \t]*[:=][ \t]*["']?(?:basic|token)[ \t]+)[\w.~+/=-]{4,}/gi
/** Begins at the colon: a pattern that begins with the scheme is quadratic on long words. */
const urlPassword = /(:\/\/[^\s/:@]*:)[^\s/@]+@/g
/** `https://<token>@host`: a name this long is no user's name. */
const urlToken = /(:\/\/)[^\s/:@]{20,}@/g

const patterns: readonly Pattern[] = [
  { regex: bearer, after: 0 },
  { regex: basic, after: 0 },
  { regex: urlPassword, after: 1 },
  { regex: urlToken, after: 1 }
]

/** Unfinished at the end of the text: the beginning of one of the patterns above. */
const openEnds = [
  /bearer[ \t]*(?:[ \t][\w.~+/=-]*)?$/i,
  /authorization["']?[ \t]*(?:[:=][ \t]*["']?[a-z]*(?:[ \t]+[\w.~+/=-]*)?)?$/i,
  /:\/\/[^\s/@]*$/,
  /:\/?$/
]

/** Words that begin a pattern; a chunk may end inside one. */
const openingWords = ['bearer', 'authorization']

/** The secrets that the patterns find. */
export function findByPattern (text: string): FoundSecret[] {
  const found: FoundSecret[] = []
  for (const { regex, after } of patterns) {
    for (const match of text.matchAll(regex)) {
      const [all, before = ''] = match
      const whole = { from: match.index, to: match.index + all.length }
      found.push({ whole, secret: { from: whole.from + before.length, to: whole.to - after } })
    }
  }
  return found
}

/** Where the longest unfinished beginning of `value` at the end of `text` starts; the text's length when there is none. */
export function openValue (text: string, value: string): number {
  for (let start = Math.max(0, text.length - value.length + 1); start < text.length; start++) {
    if (text.charCodeAt(start) === value.charCodeAt(0) && value.startsWith(text.slice(start))) return start
  }
  return text.length
}

/**
 * Where a pattern begins that the text may not hold to its end; the text's length when none does.
 * @param mayBeCut the text is the end of a longer one: what is open from its very beginning is longer than waits
 */
export function openPattern (text: string, mayBeCut: boolean): number {
  let from = text.length
  const lower = text.toLowerCase()
  // A text whose length changes in lower case (İ) is beyond what these words need.
  if (lower.length === text.length) for (const word of openingWords) from = Math.min(from, openValue(lower, word))
  for (const pattern of openEnds) {
    const index = pattern.exec(text)?.index ?? text.length
    if (index > 0 || !mayBeCut) from = Math.min(from, index)
  }
  return from
}
