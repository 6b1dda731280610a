/** What a workspace's work has to be merged into to count as merged: never what somebody happens to have checked out. Pure. */
import type { WorkspaceRow } from '../workspaces/shape.ts'

/** Names that mean something else in each worktree, or at each moment: `HEAD`, `@`, `ORIG_HEAD`, `HEAD~2`, `main@{1}`, `@{-1}`. */
const moving = /^(@|[A-Z_]*HEAD)([~^].*)?$|@\{/

/**
 * The recorded base, as something that means the same everywhere. Of a base that was `HEAD` it is the branch that was
 * checked out then; without one, the commit it was. Null when none is recorded.
 */
export function mergeTargetOf (row: Pick<WorkspaceRow, 'base_ref' | 'base_sha' | 'base_branch'>): string | null {
  if (row.base_ref === null) return null
  if (!moving.test(row.base_ref)) return row.base_ref
  return (/^(HEAD|@)$/.test(row.base_ref) ? row.base_branch : null) ?? row.base_sha
}
