/** Finds what passes as JSON but fits no database (NUL, lone surrogates) or no purpose: nesting and numbers of keys without end. */
import type { InvalidPlace } from '../services/errors.ts'

/** Deeper values have no use here, and recursive code behind this would run out of stack. */
export const maxDepth = 64
/** No config, environment or metadata names so many things; objects with very many keys are slow everywhere they go. */
export const maxKeys = 1000
export const maxKeyLength = 1000
/** A body of the largest size could hold half a million values, and each is looked at by several passes. */
export const maxItems = 10_000
/** Pointers of answers stay readable. */
const maxPointerLength = 200

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
  const refuse = (message: string): InvalidPlace => ({ pointer: pointer.slice(0, maxPointerLength), message })
  if (depth >= maxDepth) return refuse(`is nested more than ${maxDepth} levels deep`)
  const entries = Object.entries(value)
  const most = Array.isArray(value) ? maxItems : maxKeys
  if (entries.length > most) return refuse(`holds more than ${most} ${Array.isArray(value) ? 'items' : 'keys'}`)
  for (const [key, child] of entries) {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const bad = inText(key, pointer)
    if (bad !== null) return bad
    if (key.length > maxKeyLength) return refuse(`has a key of more than ${maxKeyLength} characters`)
    // Numbers and booleans need no step of their own.
    if (typeof child === 'string' || typeof child === 'object') steps.push({ value: child, pointer: place, depth: depth + 1 })
  }
  return null
}

function inText (text: string, pointer: string): InvalidPlace | null {
  if (text.includes('\0')) return { pointer: pointer.slice(0, maxPointerLength), message: 'holds a NUL character' }
  if (!text.isWellFormed()) return { pointer: pointer.slice(0, maxPointerLength), message: 'holds half a surrogate pair' }
  return null
}
