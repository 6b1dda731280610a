/** What an agent is told whose record says that it was terminated. */
import { Forbidden } from '../errors.ts'

/** The 403: who it is is known, and it may do nothing any more. */
export function terminatedAgent (): Error {
  return new Forbidden('This agent was terminated; it may do nothing any more.')
}
