/** What a rescue snapshot is: its shape, its ref and the limits it keeps to. */

/** Where snapshots live in the owner repository; each workspace has one ref, `<prefix>/<workspaceId>`. */
export const RESCUE_REF_PREFIX = 'refs/berth/rescue'

/** Ignored files a snapshot takes along when nothing else is said: local settings and secrets. */
export const DEFAULT_RESCUE_IGNORED: readonly string[] = ['.env*']

/** An ignored file above this is left out (and named in `warnings`): the globs are meant for settings, not data. */
export const MAX_IGNORED_FILE_BYTES = 1024 * 1024

/** Names listed in `files`; the snapshot itself holds every file, the list is for people. */
export const MAX_LISTED_FILES = 500

export type RescuedFileStatus = 'staged' | 'modified' | 'deleted' | 'untracked' | 'ignored' | 'conflicted'

export interface RescuedFile {
  /** Relative to the worktree; bytes that are no UTF-8 show as U+FFFD. */
  path: string
  status: RescuedFileStatus
}

export interface RescueCounts {
  staged: number
  modified: number
  deleted: number
  untracked: number
  ignored: number
  conflicted: number
}

/** What a snapshot of the worktree as it is now would hold. */
export interface RescueDescription {
  counts: RescueCounts
  /** At most `MAX_LISTED_FILES`; `fileCount` is the whole number. A path may appear twice (staged and modified). */
  files: RescuedFile[]
  fileCount: number
}

/** A snapshot as it is kept in the workspace's row (JSON) and in the snapshot itself. */
export interface RescueSnapshot extends RescueDescription {
  workspaceId: string
  /** `refs/berth/rescue/<workspaceId>`; it points at `worktreeCommit`. */
  ref: string
  /** null when HEAD had no commit yet. */
  headSha: string | null
  /** Short branch name; null when HEAD was detached. */
  branch: string | null
  /** A commit whose tree is what was staged. */
  indexCommit: string
  /** A commit whose tree is the tracked files as they were on disk; laid out like a stash, so git can apply it alone. */
  worktreeCommit: string
  /** A commit whose tree is the untracked files and the chosen ignored ones. */
  untrackedCommit: string
  /** Digest of everything the snapshot covers; two equal digests mean that nothing changed in between. */
  fingerprint: string
  /** RFC 3339, milliseconds. */
  takenAt: string
  /** What is not in the snapshot although someone may expect it, in words. */
  warnings: string[]
}

/** The ref of a workspace's snapshot. Throws a TypeError for an id that is no plain word. */
export function rescueRef (workspaceId: string): string {
  if (!/^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/.test(workspaceId)) throw new TypeError(`not a workspace id: ${JSON.stringify(workspaceId)}`)
  return `${RESCUE_REF_PREFIX}/${workspaceId}`
}

/** A name for a further state of the same that is kept, by the time: `<name>-20260101T000000000Z`. */
export function stampedName (name: string, at: Date): string {
  return `${name}-${at.toISOString().replace(/[-:.]/g, '')}`
}
