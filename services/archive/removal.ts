/** Decides what becomes of a workspace's files when it is archived. Pure. */
import type { RemovalVerdict } from './path-safety.ts'
import type { ClosableRow, Removal } from './facts.ts'
import { listed } from './words.ts'

export interface RemovalFacts {
  row: Pick<ClosableRow, 'provider_type' | 'realized_path' | 'created_by_runtime'>
  verdict: RemovalVerdict
  /** Names of other live workspaces in the very same folder. */
  sharedWith: readonly string[]
  /** What git could not tell; null where git was not asked. */
  inspection: { isReadable: boolean, problems: readonly string[], hindrances: readonly string[] } | null
  /** Somebody has locked the worktree (`git worktree lock`). */
  isLocked: boolean
  /** Commands run as a user of their own; null when they don't. */
  childUser?: string | null | undefined
}

/**
 * The fate of the files. Only what this service made goes; what others use, what is protected and what could
 * not be inspected stays, the last as `refuse`, because it should have gone.
 */
export function decideRemoval ({ row, verdict, sharedWith, inspection, isLocked, childUser }: RemovalFacts): Removal {
  const path = row.realized_path
  const isWorktree = row.provider_type === 'git_worktree'
  if (path === null || (!isWorktree && row.provider_type !== 'local_fs')) return { kind: 'none' }
  if (!row.created_by_runtime) return isWorktree ? { kind: 'keep', path, reason: 'it was not made by this service' } : { kind: 'none' }
  if (sharedWith.length > 0) return { kind: 'keep', path, reason: `it is used by ${listed(sharedWith)} too` }
  if (!verdict.ok) return withoutLeave(path, isWorktree, verdict)
  if (!isWorktree) return ofPlainFolder(path, childUser)
  if (isLocked) return { kind: 'refuse', path, reason: 'the worktree is locked (git worktree unlock releases it)' }
  if (inspection === null || !inspection.isReadable) {
    return { kind: 'refuse', path, reason: `it could not be inspected${inspection === null ? '' : ` (${inspection.problems.join(' ')})`}` }
  }
  if (inspection.hindrances.length > 0) return { kind: 'refuse', path, reason: inspection.hindrances.join('; ') }
  return { kind: 'worktree', path }
}

/** With commands that have a user of their own it would be read, and written anew, as this service's: the other could make use of that. */
function ofPlainFolder (path: string, childUser: string | null = null): Removal {
  if (childUser === null) return { kind: 'folder', path }
  return { kind: 'keep', path, reason: `plain folders are not removed while commands run as ${childUser} (BERTH_CHILD_USER)` }
}

function withoutLeave (path: string, isWorktree: boolean, verdict: Extract<RemovalVerdict, { ok: false }>): Removal {
  if (verdict.code === 'missing') return { kind: 'gone', path }
  // A plain folder that is, or holds, a project workspace was never there for this workspace alone.
  const kind = !isWorktree && verdict.code === 'protected' ? 'keep' : 'refuse'
  return { kind, path, reason: verdict.reason }
}
