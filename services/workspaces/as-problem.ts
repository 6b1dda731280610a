/** Turns failures of git and of the file system, which a request can provoke, into problems that say what is wrong. */
import { GitFailed, gitReason } from '../git/exec.ts'
import { Cancellation } from '../operations/cancellation.ts'
import { ServiceStopping } from '../operations/run-step.ts'
import { PathNotAllowed, RepositoryUnusable, Unavailable } from '../errors.ts'

/** Errors of the file system that are about the path that was asked for, not about this service. */
const pathFaults: Record<string, string> = {
  EACCES: 'permission is missing',
  EPERM: 'permission is missing',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  ELOOP: 'too many symbolic links lie on the way',
  ENAMETOOLONG: 'the path is too long',
  EEXIST: 'something is there already',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up'
}

/** The same error, or the problem it amounts to. */
export function asProblem (error: unknown): unknown {
  if (error instanceof GitFailed) {
    if (error.reason === 'aborted' && error.cause instanceof ServiceStopping) return stopping(error.cause)
    if (error.reason === 'aborted' && error.cause instanceof Cancellation) return error.cause
    return new RepositoryUnusable(`git refused: ${gitReason(error)}`, { cause: error })
  }
  if (error instanceof ServiceStopping) return stopping(error)
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  const fault = pathFaults[error.code]
  if (fault === undefined) return error
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'The path'
  return new PathNotAllowed(`${path} can not be used: ${fault}.`, { cause: error })
}

/** Runs a step and throws problems in place of raw failures. */
export async function withProblems<T> (step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    throw asProblem(error)
  }
}

/** The 503 of work that a stopping service leaves for its next start. */
export function stopping (reason: ServiceStopping): Error {
  return new Unavailable('The service is stopping; the workspace is finished at its next start.', { cause: reason })
}

/** True when the work was cut off by the service's own end, so that it is to be finished later, not undone. */
export function isStopping (error: unknown): boolean {
  return error instanceof ServiceStopping || (error instanceof Error && error.cause instanceof ServiceStopping)
}
