/** What a rescue snapshot of a workspace holds. */
import { Type, type Static } from '@sinclair/typebox'
import { Cursor, NullableTimestamp, Uuid, closed, nullableInteger, nullableString, ref, stringEnum } from './kit.ts'

export const rescuedFileStatuses = ['staged', 'modified', 'deleted', 'untracked', 'ignored', 'conflicted'] as const

export const RescuedFile = Type.Object({
  path: Type.String({ description: 'Relative to the worktree or folder; bytes that are no UTF-8 show as U+FFFD.' }),
  status: stringEnum(rescuedFileStatuses, { description: 'A file that was staged and changed again is there twice. Of a folder that is no repository all are `untracked`.' }),
  mode: nullableString({ description: 'As git writes it: `100644`, `100755`, `120000` a symbolic link, `160000` a submodule; null for one that was deleted. Of a folder that is no repository with all permissions, such as `100640`, and `040755` for a folder in it.' }),
  sizeBytes: nullableInteger({ description: 'null for one that was deleted, for a submodule and for a folder.' })
}, { $id: 'RescuedFile' })

export const WorkspaceRescue = Type.Object({
  workspaceId: Uuid,
  ref: nullableString({ description: 'In the owner repository; `git stash apply --index <ref>` works without this service. null when there is no snapshot.' }),
  commit: nullableString(),
  repoRoot: nullableString({ description: 'The repository that holds it.' }),
  headSha: nullableString({ description: 'What HEAD was; null before the first commit.' }),
  branch: nullableString({ description: 'The branch HEAD was on; null when it was detached.' }),
  takenAt: NullableTimestamp,
  archive: nullableString({ description: 'The file in the data dir that holds a folder that is no repository, whole; `tar --zstd -xf <archive>` unpacks it without this service.' }),
  earlierRefs: Type.Array(Type.String(), { description: 'Further snapshots of this workspace that hold something else.' }),
  warnings: Type.Array(Type.String(), { description: 'What is not in it although someone may expect it.' }),
  fileCount: Type.Integer({ description: 'All files, also those of other pages.' }),
  files: Type.Array(ref(RescuedFile), { description: 'What was not committed, by path; of a folder that is no repository everything.' })
}, { $id: 'WorkspaceRescue' })

export const RescueQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000, description: 'How many files to answer with.' })),
  cursor: Cursor
}, closed)

export const RescuedFileQuery = Type.Object({
  from: Type.Optional(stringEnum(['worktree', 'index'] as const, { default: 'worktree', description: '`worktree`: as it was on disk; `index`: as it was staged.' }))
}, closed)

export const RestoreBody = Type.Object({
  startServices: Type.Optional(Type.Boolean({ default: false, description: 'Start the services that should run (`config.desiredState`, `config.serviceStates`) once the files are back. What can not be started is a warning of the operation, never a failure of the restore.' }))
}, { $id: 'RestoreBody', ...closed })

export type RestoreBody = Static<typeof RestoreBody>
export type RescuedFile = Static<typeof RescuedFile>
export type WorkspaceRescue = Static<typeof WorkspaceRescue>
export type RescueQuery = Static<typeof RescueQuery>
export type RescuedFileQuery = Static<typeof RescuedFileQuery>
