/** The ends of both streams, read back from a log whose writer died before it could store them. */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { logStreams, type LogStream } from '../../openapi/schemas/operation.ts'
import { excerptChars } from './masked-output.ts'

export interface Excerpts {
  /** The last 4,096 characters; null when there were none. */
  stdout: string | null
  stderr: string | null
}

const Line = Type.Object({ stream: Type.Union(logStreams.map(stream => Type.Literal(stream))), chunk: Type.String() })

function parse (line: string): { stream: LogStream, chunk: string } | null {
  try {
    const parsed: unknown = JSON.parse(line)
    return Value.Check(Line, parsed) ? parsed : null
  } catch {
    // A torn line; the others are still worth showing.
    return null
  }
}

/** @param content whole lines of a log, its end. */
export function excerptsOf (content: string): Excerpts {
  const ends = { stdout: '', stderr: '' }
  for (const line of content.split('\n')) {
    const parsed = parse(line)
    if (parsed === null || parsed.stream === 'system') continue
    ends[parsed.stream] = (ends[parsed.stream] + parsed.chunk).slice(-excerptChars)
  }
  return { stdout: ends.stdout || null, stderr: ends.stderr || null }
}
