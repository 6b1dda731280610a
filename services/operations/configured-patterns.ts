/** Regular expressions of the operator's own that tell what is masked: compiled, tried out, and run with a deadline. */
import { Script, createContext, type Context } from 'node:vm'
import type { Span } from './secret-patterns.ts'

/** Finds what the patterns match, line by line. */
export interface ConfiguredPatterns {
  /** Where they match, in no order; null when that took too long: `withinMs` (1 s). */
  find (text: string, withinMs?: number): Span[] | null
}

/** A pattern that can't be used; the message says why, in words that follow "must be …". */
export class BadPattern extends Error {
  override readonly name = 'BadPattern'
}

/**
 * Beyond this the text is masked as a whole, and other work goes on. A few lines of output take microseconds, but a
 * process that was not given the processor for a while must not be taken for a slow pattern.
 */
const withinMs = 1_000
/** What a trial may take; one that takes longer is tried again with more patience. */
const trialMs = 200
/** Long enough for a pattern that backtracks without end to show it. */
const trialChars = 3_000

// Run where the engine can be interrupted: a regular expression itself knows no deadline.
const search = new Script(`{
  const found = []
  let start = 0
  for (const line of text.split('\\n')) {
    for (const pattern of patterns) {
      for (const match of line.matchAll(pattern)) {
        if (match[0] !== '') found.push(start + match.index, start + match.index + match[0].length)
      }
    }
    start += line.length + 1
  }
  found
}`)

function run (context: Context, text: string, timeout: number): number[] | null {
  context['text'] = text
  try {
    return search.runInContext(context, { timeout }) as number[]
  } catch (error) {
    // It comes from the other context, whose `Error` is not ours.
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return null
    throw error
  } finally {
    context['text'] = ''
  }
}

/** Patterns of this process's own environment, taken in order; none is allowed to match nothing. */
export function createConfiguredPatterns (patterns: readonly RegExp[]): ConfiguredPatterns {
  const context = createContext({ patterns, text: '' })
  return {
    find (text, timeout = withinMs) {
      const found = run(context, text, timeout)
      if (found === null) return null
      const spans: Span[] = []
      for (let index = 0; index < found.length; index += 2) spans.push({ from: found[index] ?? 0, to: found[index + 1] ?? 0 })
      return spans
    }
  }
}

/** Texts on which a pattern that backtracks needlessly takes very long: one character again and again, then another. */
function trials (source: string): string[] {
  const characters = new Set(['a', '0', ' ', '-', '_', '.', 'A', '/', ...source])
  return [...characters].map(character => `${character.repeat(trialChars)}\u0001`)
}

/**
 * Reads patterns separated by white space.
 * @throws BadPattern for one that is no regular expression, matches the empty text, or takes very long on simple texts
 */
export function parsePatterns (text: string): RegExp[] {
  return text.split(/\s+/).filter(Boolean).map(source => {
    const pattern = compile(source)
    if (pattern.test('')) throw new BadPattern(`patterns that match something (${source} matches the empty text)`)
    pattern.lastIndex = 0
    const { find } = createConfiguredPatterns([pattern])
    if (trials(source).some(trial => find(trial, trialMs) === null && find(trial) === null)) throw new BadPattern(`patterns that are quick (${source} takes very long on some texts: it repeats what repeats)`)
    return pattern
  })
}

function compile (source: string): RegExp {
  try {
    return new RegExp(source, 'gu')
  } catch (error) {
    throw new BadPattern(`regular expressions separated by white space (${error instanceof Error ? error.message : String(error)})`, { cause: error })
  }
}
