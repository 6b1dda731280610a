/** Close readiness: whether closing a workspace is safe, why not, and what closing would do. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableTimestamp, Uuid, closed, nullableBoolean, nullableEnum, nullableInteger, nullableOpenObject, nullableRef, nullableString, ref, stringEnum } from './kit.ts'
import { issueStatuses } from './directory.ts'
import { RuntimeService } from './runtime.ts'

export const readinessStates = ['ready', 'ready_with_warnings', 'blocked'] as const
export const closeActionKinds = ['archive_record', 'stop_runtime_services', 'cleanup_command', 'teardown_command', 'git_worktree_remove', 'git_branch_delete', 'remove_local_directory', 'rescue_snapshot'] as const
export const mergeEvidences = ['ancestor', 'tree', 'patch'] as const
export const gitOperations = ['rebase', 'merge', 'cherry-pick', 'revert', 'bisect'] as const

export const CloseAction = Type.Object({
  kind: stringEnum(closeActionKinds),
  label: Type.String(),
  description: Type.String(),
  command: nullableString()
}, { $id: 'CloseAction' })

export const LinkedIssue = Type.Object({
  id: Uuid,
  identifier: nullableString(),
  title: Type.String(),
  status: stringEnum(issueStatuses),
  isTerminal: Type.Boolean()
}, { $id: 'LinkedIssue' })

export const GitReadiness = Type.Object({
  repoRoot: nullableString(),
  workspacePath: nullableString(),
  branchName: nullableString(),
  baseRef: nullableString(),
  hasDirtyTrackedFiles: Type.Boolean(),
  hasUntrackedFiles: Type.Boolean(),
  dirtyEntryCount: Type.Integer(),
  untrackedEntryCount: Type.Integer(),
  aheadCount: nullableInteger(),
  behindCount: nullableInteger(),
  isMergedIntoBase: nullableBoolean({ description: 'null when it is not known; never taken for merged.' }),
  createdByRuntime: Type.Boolean(),
  headSha: nullableString(),
  checkedOutBranch: nullableString({ description: 'null when HEAD is detached.' }),
  branchDrift: Type.Boolean({ description: 'HEAD is not on the recorded branch.' }),
  operationInProgress: nullableEnum(gitOperations),
  unpushedCount: nullableInteger({ description: 'Commits that no remote-tracking branch has; null when the repository knows no remote.' }),
  unreferencedCount: nullableInteger({ description: 'Commits of a detached HEAD that no branch, tag or other ref has; null when a branch is checked out.' }),
  ignoredEntryCount: Type.Integer(),
  ignoredEntries: Type.Array(Type.String(), { description: 'Small ignored files by name, such as `.env`.' }),
  hasSubmodules: Type.Boolean(),
  nestedRepositories: Type.Array(Type.String(), { description: 'Repositories in the worktree that are no submodules. One that is not ignored stands in the way of closing.' }),
  mergeEvidence: nullableEnum(mergeEvidences),
  rescue: nullableOpenObject({ description: 'What a rescue snapshot would hold.' })
}, { $id: 'GitReadiness' })

export const CloseReadiness = Type.Object({
  workspaceId: Uuid,
  state: stringEnum(readinessStates),
  blockingReasons: Type.Array(Type.String()),
  warnings: Type.Array(Type.String()),
  linkedIssues: Type.Array(ref(LinkedIssue)),
  plannedActions: Type.Array(ref(CloseAction)),
  isDestructiveCloseAllowed: Type.Boolean(),
  isSharedWorkspace: Type.Boolean(),
  isProjectPrimaryWorkspace: Type.Boolean(),
  diskBytes: nullableInteger({ description: 'Room the files take on the disk; null until it was measured.' }),
  diskMeasuredAt: NullableTimestamp,
  git: nullableRef(GitReadiness),
  runtimeServices: Type.Array(ref(RuntimeService))
}, { $id: 'CloseReadiness' })

export const CloseQuery = Type.Object({
  force: Type.Optional(Type.Boolean({ default: false, description: 'When this archives: end live leases and jobs first. For instance admins, and owners and admins of the company. Nothing else that blocks is passed over.' }))
}, closed)

export type CloseAction = Static<typeof CloseAction>
export type LinkedIssue = Static<typeof LinkedIssue>
export type GitReadiness = Static<typeof GitReadiness>
export type CloseReadiness = Static<typeof CloseReadiness>
