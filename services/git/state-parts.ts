/** Tells two looks at a worktree apart, part by part. */
import { createHash } from 'node:crypto'
import type { FileState } from './file-state.ts'
import type { WorkingState } from './working-state.ts'

/** Digests of the parts a state consists of; each compares for itself. */
export interface StateParts {
  head: string
  index: string
  tracked: string
  untracked: string
  ignored: string
  progress: string
}

/** The digests of a state. Equal ones mean equal bytes, modes and places. */
export function digestParts (state: Pick<WorkingState, 'headSha' | 'branch' | 'index' | 'changed' | 'absent' | 'converted' | 'untracked' | 'ignored' | 'progress' | 'submodules'>): StateParts {
  const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')
  const lines = (files: readonly FileState[]) => files.map(file => [file.path, file.mode, file.sha, file.permissions])
  return {
    head: digest([state.headSha, state.branch]),
    index: digest(state.index?.digest ?? null),
    tracked: digest([lines(state.changed), state.absent, state.converted]),
    untracked: digest(lines(state.untracked)),
    ignored: digest(lines(state.ignored)),
    // Own commits of submodules are work under way too; without any the digest is that of the files alone.
    progress: digest([...state.progress.map(file => [file.path, file.content.toString('base64')]), ...state.submodules])
  }
}

/** One digest of all parts. */
export function fingerprintOf (parts: StateParts): string {
  return createHash('sha256').update(JSON.stringify([parts.head, parts.index, parts.tracked, parts.untracked, parts.ignored, parts.progress])).digest('hex')
}
