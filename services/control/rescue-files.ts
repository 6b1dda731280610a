/** What is kept of a workspace's files, for those who may look: the list of a snapshot, and one file of it. */
import type { Readable } from 'node:stream'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import type { RescuedFile, RescuedFileQuery, RescueQuery, WorkspaceRescue } from '../../openapi/schemas/rescue.ts'
import type { Actor } from '../access/actor.ts'
import { requireVisible } from '../access/company-access.ts'
import { readRescue, type RescueRecord } from '../archive/rescue-record.ts'
import { InvalidCursor, NotFound, RescueUnreadable } from '../errors.ts'
import { gitReason, type Git } from '../git/exec.ts'
import { findSnapshotFile, listSnapshotFiles, readBlobStream } from '../git/snapshot-files.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { requireFilesHere, requireManageable, type ManagedDeps } from './managed-workspace.ts'

export interface RescueFilesDeps extends ManagedDeps {
  git: Git
}

export interface RescuePage {
  rescue: WorkspaceRescue
  nextCursor: string | null
}

export interface RescuedContent {
  /** git's id of the content: the same id, the same bytes. */
  sha: string
  /** As git writes it; a symbolic link's content is where it points. */
  mode: string
  content: Readable
}

export interface RescueFiles {
  /**
   * What the last snapshot holds; of a workspace that has none, a rescue without one.
   * @throws NotFound (404), Conflict (409) on another host, InvalidCursor (400), RescueUnreadable (422)
   */
  list (actor: Actor, id: string, query: RescueQuery): Promise<RescuePage>
  /**
   * One file. Rescued files may hold secrets, so this needs what managing the workspace needs.
   * @throws NotFound (404), Forbidden (403), Conflict (409) on another host, RescueUnreadable (422) also for a submodule
   */
  open (actor: Actor, id: string, path: string, query: RescuedFileQuery): Promise<RescuedContent>
}

type Snapshot = NonNullable<RescueRecord['snapshot']>

const defaultLimit = 1000
const submoduleMode = '160000'

export function createRescueFiles (deps: RescueFilesDeps): RescueFiles {
  const { db, git, hostId } = deps
  return {
    async list (actor, id, { limit = defaultLimit, cursor }) {
      const row = requireFilesHere(requireVisible(actor, await findWorkspace(db, id)), hostId)
      const record = readRescue(row)
      const { snapshot } = record
      if (snapshot === null || row.repo_root === null) return { rescue: toRescue(row, record, []), nextCursor: null }
      const from = cursor === undefined ? 0 : placeOf(cursor, snapshot)
      const files = await orUnreadable(listSnapshotFiles(git, row.repo_root, snapshot))
      const rest = from + limit < files.length
      return {
        rescue: { ...toRescue(row, record, files.slice(from, from + limit)), fileCount: files.length },
        nextCursor: rest ? encodeCursor([snapshot.worktreeCommit, from + limit]) : null
      }
    },

    async open (actor, id, path, { from = 'worktree' }) {
      const row = await requireManageable(deps, actor, id)
      const { snapshot } = readRescue(row)
      if (snapshot === null || row.repo_root === null) throw new NotFound('There is no rescue snapshot of this workspace.')
      const entry = await orUnreadable(findSnapshotFile(git, row.repo_root, snapshot, path, from))
      if (entry === null) throw new NotFound(`The snapshot holds no ${from === 'index' ? 'staged ' : ''}file ${path}.`)
      if (entry.mode === submoduleMode) throw new RescueUnreadable(`${path} is a submodule, at commit ${entry.sha}; its files are in its own repository.`)
      return { sha: entry.sha, mode: entry.mode, content: readBlobStream(git, row.repo_root, entry.sha) }
    }
  }
}

/** The cursor names the snapshot too: the files of another one are in other places. */
function placeOf (cursor: string, { worktreeCommit }: Snapshot): number {
  const [commit, place] = decodeCursor(cursor, 2) ?? []
  if (commit === worktreeCommit && Number.isSafeInteger(place) && Number(place) >= 0) return Number(place)
  throw new InvalidCursor('The cursor is not one this service gave for this snapshot; take it from the Link header of the page before.')
}

async function orUnreadable<T> (reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new RescueUnreadable(`The snapshot can not be read: ${gitReason(cause)}`, { cause })
  }
}

function toRescue (row: WorkspaceRow, { snapshot, movedTo, earlierRefs }: RescueRecord, files: RescuedFile[]): WorkspaceRescue {
  return {
    workspaceId: row.id,
    ref: snapshot?.ref ?? null,
    commit: snapshot?.worktreeCommit ?? null,
    repoRoot: row.repo_root,
    headSha: snapshot?.headSha ?? null,
    branch: snapshot?.branch ?? null,
    takenAt: snapshot?.takenAt ?? null,
    movedTo,
    earlierRefs: [...earlierRefs],
    warnings: [...snapshot?.warnings ?? []],
    fileCount: files.length,
    files
  }
}
