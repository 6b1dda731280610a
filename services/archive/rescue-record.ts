/** What a workspace's row remembers of its rescue: the snapshots, and how far taking the files away has come. */
import { Type, type Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Db } from '../../db/client.ts'
import { storeRescue } from '../../db/archival.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'

const NullableText = Type.Union([Type.String(), Type.Null()])

/** The snapshot as `services/git` gives it; what is stored was written by this service, so a mismatch is a fault. */
const Snapshot = Type.Object({
  workspaceId: Type.String(),
  ref: Type.String(),
  headSha: NullableText,
  branch: NullableText,
  indexCommit: Type.String(),
  worktreeCommit: Type.String(),
  untrackedCommit: Type.String(),
  fingerprint: Type.String(),
  takenAt: Type.String(),
  counts: Type.Object({
    staged: Type.Integer(),
    modified: Type.Integer(),
    deleted: Type.Integer(),
    untracked: Type.Integer(),
    ignored: Type.Integer(),
    conflicted: Type.Integer()
  }),
  files: Type.Array(Type.Object({
    path: Type.String(),
    status: Type.Union([Type.Literal('staged'), Type.Literal('modified'), Type.Literal('deleted'), Type.Literal('untracked'), Type.Literal('ignored'), Type.Literal('conflicted')])
  })),
  fileCount: Type.Integer(),
  warnings: Type.Array(Type.String())
})

/** A folder as `services/folders` keeps it. */
const Folder = Type.Object({
  name: Type.String(),
  takenAt: Type.String(),
  entryCount: Type.Integer(),
  byteCount: Type.Integer(),
  warnings: Type.Array(Type.String())
})

const RescueRecord = Type.Object({
  /** What a restore brings back. */
  snapshot: Type.Union([Snapshot, Type.Null()]),
  /** What the files were when they went, if the archive's own commands had changed them after `snapshot`. */
  last: Type.Union([Snapshot, Type.Null()]),
  /** Refs of further snapshots of this workspace that hold something else. */
  earlierRefs: Type.Array(Type.String()),
  /** The archive's commands are being run, or have: what they make of the files is not what a restore brings back. */
  commandsBegun: Type.Boolean(),
  /** They have run. */
  commandsDone: Type.Boolean(),
  /** What is kept (`snapshot` or `folder`) is of before the commands of an archive that failed: the files may be what those left. */
  beforeCommands: Type.Boolean(),
  /** The sibling the folder is renamed to before it goes; stored before the rename. */
  aside: NullableText,
  /** The folder was looked at once more in its aside place, and is being deleted from there. */
  deleting: Type.Boolean(),
  /** The folder is gone by this archive: what is at its place later is somebody else's. */
  removed: Type.Boolean(),
  /** The branch that was deleted as merged, the commit it was at, and its settings (absent in older records). */
  deletedBranch: Type.Union([Type.Object({ name: Type.String(), tip: Type.String(), settings: Type.Optional(Type.Array(Type.Tuple([Type.String(), Type.String()]))) }), Type.Null()]),
  /** What a restore brings back of a folder that is no repository. */
  folder: Type.Union([Folder, Type.Null()]),
  /** Names of further stored states of that folder. */
  earlierFolders: Type.Array(Type.String()),
  /** The branch a restore made because its own was not as it was; stored before it is made, until the restore has ended. */
  restoredBranch: Type.Union([Type.Object({ name: Type.String(), insteadOf: Type.String() }), Type.Null()]),
  /** A restore is under way, from this status. */
  restoringFrom: Type.Union([Type.Literal('archived'), Type.Literal('cleanup_failed'), Type.Null()]),
  /** That restore makes the worktree; stored before it does. Without it, what is at the place was there before. */
  madeByRestore: Type.Boolean(),
  /** That restore made the folder this service's own, which it was not before. */
  claimed: Type.Boolean()
})

export type RescueRecord = Static<typeof RescueRecord>

const nothing: RescueRecord = {
  snapshot: null,
  last: null,
  earlierRefs: [],
  commandsBegun: false,
  commandsDone: false,
  beforeCommands: false,
  aside: null,
  deleting: false,
  removed: false,
  deletedBranch: null,
  folder: null,
  earlierFolders: [],
  restoredBranch: null,
  restoringFrom: null,
  madeByRestore: false,
  claimed: false
}

/** The record of a row; of a row that was never archived, one that holds nothing. Throws for one this service did not write. */
export function readRescue (row: Pick<WorkspaceRow, 'rescue'>): RescueRecord {
  if (row.rescue === null) return { ...nothing, earlierRefs: [], earlierFolders: [] }
  const record = { ...nothing, ...row.rescue }
  if (!Value.Check(RescueRecord, record)) throw new TypeError('the stored rescue record is malformed')
  return record
}

/** The row's rescue column for a record; the snapshot's ref stands in it by itself, for messages. */
export function writeRescue (record: RescueRecord): string {
  return JSON.stringify({ ...record, ref: record.snapshot?.ref ?? null })
}

/** The rescue record of one workspace while it is worked on: every change is stored before the next step. */
export interface RescueState {
  readonly record: Readonly<RescueRecord>
  set (change: Partial<RescueRecord>): Promise<void>
}

export function createRescueState (db: Db, row: Pick<WorkspaceRow, 'id' | 'rescue'>): RescueState {
  let record = readRescue(row)
  return {
    get record () { return record },
    async set (change) {
      record = { ...record, ...change }
      await storeRescue(db, row.id, writeRescue(record))
    }
  }
}

/** Whether anything is kept of the workspace's files. */
export function keepsSomething ({ snapshot, folder }: Pick<RescueRecord, 'snapshot' | 'folder'>): boolean {
  return snapshot !== null || folder !== null
}

/** Whether what is kept is of before commands that the files have been left to since. */
export function isBeforeCommands ({ beforeCommands, commandsBegun }: Pick<RescueRecord, 'beforeCommands' | 'commandsBegun'>): boolean {
  return beforeCommands || commandsBegun
}
