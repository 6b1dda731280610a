/** Finds what passes as JSON but fits no database: NUL, lone surrogates, and nesting without end. */
import type { InvalidPlace } from '../services/errors.ts'

/** Deeper values have no use here, and recursive code behind this would run out of stack. */
export const maxDepth = 64

interface Step { value: unknown, pointer: string, depth: number }

/**
 * Walks a parsed value without recursion; keys are text too.
 * @param pointer JSON pointer of the value itself
 * @returns the first offending place, or null
 */
export function findUnstorable (root: unknown, pointer: string): InvalidPlace | null {
  if (root === undefined || root === null) return null
  const steps: Step[] = [{ value: root, pointer, depth: 0 }]
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const found = typeof step.value === 'string' ? inText(step.value, step.pointer) : descend(step, steps)
    if (found !== null) return found
  }
  return null
}

function descend ({ value, pointer, depth }: Step, steps: Step[]): InvalidPlace | null {
  if (typeof value !== 'object' || value === null) return null
  if (depth >= maxDepth) return { pointer: pointer.slice(0, 200), message: `is nested more than ${maxDepth} levels deep` }
  for (const [key, child] of Object.entries(value)) {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const bad = inText(key, pointer)
    if (bad !== null) return bad
    // Numbers and booleans need no step of their own.
    if (typeof child === 'string' || typeof child === 'object') steps.push({ value: child, pointer: place, depth: depth + 1 })
  }
  return null
}

function inText (text: string, pointer: string): InvalidPlace | null {
  if (text.includes('\0')) return { pointer, message: 'holds a NUL character' }
  if (!text.isWellFormed()) return { pointer, message: 'holds half a surrogate pair' }
  return null
}
