/** How what is kept of a stray is named: by its place, and an archive by the project that the place belonged to. */
import { createHash } from 'node:crypto'
import { join, relative, sep } from 'node:path'

/** What the names of all archives of strays begin with; workspaces' begin with their id. */
export const strayArchives = 'stray-'

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const projectPattern = new RegExp(`^${uuid}$`)
const archivePattern = new RegExp(`^${strayArchives}(?:(${uuid})-)?[0-9a-f]{16}-(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)(\\d\\d)(\\d{3})Z$`)

/** What is kept of a stray is named by: its place, in letters that fit everywhere. */
export function strayName (path: string): string {
  return `${strayArchives}${placeDigest(path)}`
}

/** The same for an archive, with the project below whose worktrees the stray lies. */
export function strayArchiveName (dataDir: string, path: string): string {
  const [project = ''] = relative(join(dataDir, 'worktrees'), path).split(sep)
  return projectPattern.test(project) ? `${strayArchives}${project}-${placeDigest(path)}` : strayName(path)
}

const placeDigest = (path: string) => createHash('sha256').update(path).digest('hex').slice(0, 16)

export interface StrayArchive {
  /** That of the stored folder: with the time. */
  name: string
  /** Null where the place was no project's. */
  projectId: string | null
  storedAt: Date
}

/** Reads the name of a stored folder; null for one that is no stray's. */
export function readStrayArchive (name: string): StrayArchive | null {
  const [, projectId, ...time] = archivePattern.exec(name) ?? []
  const [year, month, day, hour, minute, second, ms] = time
  const storedAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
  return Number.isNaN(storedAt.getTime()) ? null : { name, projectId: projectId ?? null, storedAt }
}
