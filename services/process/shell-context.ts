/** Where in a shell text a place lies: inside which quotes, a comment, a here-document or arithmetic. */

/** What surrounds a place, as far as it matters for putting a variable there. */
export type ShellContext = 'bare' | 'double' | 'single' | 'comment' | 'heredoc' | 'literal-heredoc' | 'arithmetic'

type Frame = 'substitution' | 'subshell' | 'braces' | 'backticks' | 'arithmetic' | 'double'

interface PendingHeredoc { delimiter: string, literal: boolean, indented: boolean }

interface Place {
  frames: Frame[]
  mode: 'text' | 'single' | 'comment' | 'heredoc'
  /** Here-documents whose bodies begin at, or after, the next line end. */
  pending: PendingHeredoc[]
  /** The line of a here-document's body so far. */
  line: string
  /** The character before. */
  before: string
}

/** Follows a shell text piece by piece; POSIX sh, "Quoting" and "Here-Document". */
export interface ShellReader {
  /** Reads on. A piece ends where a value will be put, never inside an operator such as `$((`. */
  read (text: string): void
  context (): ShellContext
}

/**
 * A reader at the start of a shell text. Where it errs (a `)` of a `case` inside `$(…)`), the worst
 * is a value split at blanks: values only ever come in by expansion, which is never parsed again.
 */
export function createShellReader (): ShellReader {
  const place: Place = { frames: [], mode: 'text', pending: [], line: '', before: '\n' }
  return {
    read (text) {
      for (let at = 0; at < text.length;) {
        at += step(place, text.slice(at))
        place.before = text[at - 1] ?? place.before
      }
    },
    context () {
      if (place.mode === 'heredoc') return place.pending[0]?.literal ? 'literal-heredoc' : 'heredoc'
      if (place.mode !== 'text') return place.mode
      if (place.frames.includes('arithmetic')) return 'arithmetic'
      const isQuoted = top(place) === 'double' || (top(place) === 'braces' && place.frames.includes('double'))
      return isQuoted ? 'double' : 'bare'
    }
  }
}

function top (place: Place): Frame | undefined {
  return place.frames.at(-1)
}

/** Handles the beginning of `text`; gives how many characters that took. */
function step (place: Place, text: string): number {
  const char = text[0] ?? ''
  if (place.mode === 'heredoc') return stepHeredoc(place, char)
  if (place.mode === 'single') {
    if (char === "'") place.mode = 'text'
    return 1
  }
  if (char === '\n' && (place.mode === 'comment' || top(place) !== 'double')) return endLine(place)
  if (place.mode === 'comment') return 1
  if (char === '\\') return Math.min(2, text.length)
  if (top(place) === 'double') {
    if (char !== '"') return stepExpansion(place, text)
    place.frames.pop()
    return 1
  }
  return top(place) === 'arithmetic' ? stepArithmetic(place, text) : stepBare(place, text)
}

function stepArithmetic (place: Place, text: string): number {
  if (text.startsWith('))')) {
    place.frames.pop()
    return 2
  }
  if (text[0] !== '(') return stepExpansion(place, text)
  return open(place, 'subshell', 1)
}

function stepBare (place: Place, text: string): number {
  const char = text[0] ?? ''
  if (char === "'" || (char === '#' && /[\s;&|(]/.test(place.before))) {
    place.mode = char === '#' ? 'comment' : 'single'
    return 1
  }
  if (char === '"') return open(place, 'double', 1)
  if (char === '(') return open(place, 'subshell', 1)
  if (closes(char, top(place))) {
    place.frames.pop()
    return 1
  }
  return text.startsWith('<<') ? stepHeredocStart(place, text) : stepExpansion(place, text)
}

function closes (char: string, frame: Frame | undefined): boolean {
  return char === ')' ? frame === 'substitution' || frame === 'subshell' : char === '}' && frame === 'braces'
}

function stepExpansion (place: Place, text: string): number {
  if (text.startsWith('$((')) return open(place, 'arithmetic', 3)
  if (text.startsWith('$(')) return open(place, 'substitution', 2)
  if (text.startsWith('${')) return open(place, 'braces', 2)
  if (text[0] !== '`') return 1
  const opened = place.frames.lastIndexOf('backticks')
  if (opened === -1) return open(place, 'backticks', 1)
  place.frames.length = opened
  return 1
}

function open (place: Place, frame: Frame, length: number): number {
  place.frames.push(frame)
  return length
}

function stepHeredocStart (place: Place, text: string): number {
  // `<<<` is bash's here-string: a word like any other follows.
  if (text.startsWith('<<<')) return 3
  const match = /^<<(-?)[ \t]*(?:'([^'\n]*)'|"([^"\n]*)"|(\\?)([^\s;&|<>()'"\\]+))/.exec(text)
  if (!match) return 2
  const [all, dash, single, double, backslash, plain] = match
  place.pending.push({ delimiter: single ?? double ?? plain ?? '', literal: plain === undefined || backslash === '\\', indented: dash === '-' })
  return all.length
}

function endLine (place: Place): number {
  place.mode = place.pending.length > 0 ? 'heredoc' : 'text'
  place.line = ''
  return 1
}

function stepHeredoc (place: Place, char: string): number {
  if (char !== '\n') {
    place.line += char
    return 1
  }
  const [current, ...others] = place.pending
  const line = current?.indented ? place.line.replace(/^\t+/, '') : place.line
  if (line === current?.delimiter) place.pending = others
  return endLine(place)
}
