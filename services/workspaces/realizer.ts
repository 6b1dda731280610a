/** What the rest of the house may ask of the room that makes a workspace's files. */
import type { OwnerRepository } from '../git/worktrees.ts'
import type { ContextOptions } from './context.ts'
import type { WorkspaceRow } from './shape.ts'

export interface RealizeOptions extends ContextOptions {
  /** The run the operations are recorded for. */
  runId?: string | null
  /** Gives up what was begun for somebody who does not want it any more. */
  signal?: AbortSignal
  /** `realize`: the row was left behind by an earlier process; look first at what that one made. */
  resume?: boolean
  /** `realize`: the repository of the project workspace, where it was found a moment ago. */
  owner?: OwnerRepository
}

export interface Realizer {
  /**
   * Makes the files of a workspace that is `provisioning` and puts it to `active`; idempotent, so that
   * recovery can call it again for a row that a crash left behind. On failure everything made so far is
   * undone, the row is `provision_failed` with the reason in `cleanup_reason`, and the cause is thrown
   * with `operationId` among its members. Takes `workspace:<id>` alone, and `repository:<commonDir>`
   * while a worktree is added.
   */
  realize (row: WorkspaceRow, options?: RealizeOptions): Promise<WorkspaceRow>

  /**
   * True when `ensureFiles` would have nothing to do: a few small reads, no lock, no git.
   * @throws NoLocalPath (422) without a local folder
   */
  isReady (row: WorkspaceRow): Promise<boolean>

  /**
   * Before `start` and `run`: a missing worktree is attached again from its branch and provisioned; the
   * provision command runs again when its policy says so. Cheap when nothing is to do (no lock, no git).
   * Call it BEFORE taking a shared lock on `workspace:<id>` (it takes that lock alone when there is work),
   * and check the status again after taking yours. Answers the row as it is now.
   * @throws NoLocalPath (422) without a local folder, or when a folder this service did not make is gone
   * @throws BranchMissing (422) when folder and branch are both gone
   * @throws ProvisionFailed (422), WorktreeMismatch (422), WorktreeTaken (409), WorkspaceBusy (409)
   */
  ensureFiles (row: WorkspaceRow, options?: RealizeOptions): Promise<WorkspaceRow>
}
