/** What is kept of a workspace's files, for those who may look: the list of a snapshot, and one file of it. */
import type { Readable } from 'node:stream'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import type { RescuedFile, RescuedFileQuery, RescueQuery, WorkspaceRescue } from '../../openapi/schemas/rescue.ts'
import type { Actor } from '../access/actor.ts'
import { requireVisible } from '../access/company-access.ts'
import { readRescue, type RescueRecord } from '../archive/rescue-record.ts'
import { InvalidCursor, NotFound, RescueUnreadable } from '../errors.ts'
import { placesOf } from '../folders/stored-folder.ts'
import { gitReason, type Git } from '../git/exec.ts'
import { findSnapshotFile, listSnapshotFiles, readBlobStream } from '../git/snapshot-files.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { requireFilesHere, requireManageable, type ManagedDeps } from './managed-workspace.ts'
import { openInFolder, pageOfFolder } from './rescued-folder.ts'

export interface RescueFilesDeps extends ManagedDeps {
  git: Git
  dataDir: string
}

export interface RescuePage {
  rescue: WorkspaceRescue
  nextCursor: string | null
}

export interface RescuedContent {
  /** git's id of the content, or its SHA-256: the same id, the same bytes. */
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
   * @throws NotFound (404), Forbidden (403), Conflict (409) on another host, RescueUnreadable (422) also for a submodule or a folder
   */
  open (actor: Actor, id: string, path: string, query: RescuedFileQuery): Promise<RescuedContent>
}

const defaultLimit = 1000
const submoduleMode = '160000'

export function createRescueFiles (deps: RescueFilesDeps): RescueFiles {
  const { db, git, hostId, dataDir } = deps
  return {
    async list (actor, id, { limit = defaultLimit, cursor }) {
      const row = requireFilesHere(requireVisible(actor, await findWorkspace(db, id)), hostId)
      const record = readRescue(row)
      const { snapshot, folder } = record
      const show = (files: RescuedFile[], fileCount: number) => ({ ...toRescue(row, record, dataDir), fileCount, files })
      const next = (kept: string, place: number, count: number) => place < count ? encodeCursor([kept, place]) : null
      if (folder !== null) {
        const from = cursor === undefined ? 0 : placeOf(cursor, folder.name)
        const files = await orUnreadable(pageOfFolder(dataDir, folder, { from, limit }))
        return { rescue: show(files, folder.entryCount), nextCursor: next(folder.name, from + limit, folder.entryCount) }
      }
      if (snapshot === null || row.repo_root === null) return { rescue: show([], 0), nextCursor: null }
      const from = cursor === undefined ? 0 : placeOf(cursor, snapshot.worktreeCommit)
      const files = await orUnreadable(listSnapshotFiles(git, row.repo_root, snapshot))
      return { rescue: show(files.slice(from, from + limit), files.length), nextCursor: next(snapshot.worktreeCommit, from + limit, files.length) }
    },

    async open (actor, id, path, { from = 'worktree' }) {
      const row = await requireManageable(deps, actor, id)
      const { snapshot, folder } = readRescue(row)
      if (folder !== null) return await openInFolder(dataDir, folder, path)
      if (snapshot === null || row.repo_root === null) throw new NotFound('There is no rescue snapshot of this workspace.')
      const entry = await orUnreadable(findSnapshotFile(git, row.repo_root, snapshot, path, from))
      if (entry === null) throw new NotFound(`The snapshot holds no ${from === 'index' ? 'staged ' : ''}file ${path}.`)
      if (entry.mode === submoduleMode) throw new RescueUnreadable(`${path} is a submodule, at commit ${entry.sha}; its files are in its own repository.`)
      return { sha: entry.sha, mode: entry.mode, content: readBlobStream(git, row.repo_root, entry.sha) }
    }
  }
}

/** The cursor names what is kept too: the files of another one are in other places. */
function placeOf (cursor: string, kept: string): number {
  const [named, place] = decodeCursor(cursor, 2) ?? []
  if (named === kept && Number.isSafeInteger(place) && Number(place) >= 0) return Number(place)
  throw new InvalidCursor('The cursor is not one this service gave for this snapshot; take it from the Link header of the page before.')
}

async function orUnreadable<T> (reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new RescueUnreadable(`The snapshot can not be read: ${gitReason(cause)}`, { cause })
  }
}

function toRescue (row: WorkspaceRow, { snapshot, folder, earlierRefs }: RescueRecord, dataDir: string): Omit<WorkspaceRescue, 'files' | 'fileCount'> {
  const { takenAt, warnings } = snapshot ?? folder ?? { takenAt: null, warnings: [] }
  return {
    workspaceId: row.id,
    ref: snapshot?.ref ?? null,
    commit: snapshot?.worktreeCommit ?? null,
    repoRoot: row.repo_root,
    headSha: snapshot?.headSha ?? null,
    branch: snapshot?.branch ?? null,
    takenAt,
    archive: folder === null ? null : placesOf(dataDir, folder.name).archive,
    earlierRefs: [...earlierRefs],
    warnings: [...warnings]
  }
}
