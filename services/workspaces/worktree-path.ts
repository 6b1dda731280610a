/** Where the folder of a worktree belongs. Pure. */
import { isAbsolute, join, resolve, sep } from 'node:path'
import { PathNotAllowed } from '../errors.ts'

export interface WorktreePlace {
  /** The strategy's `worktreeParentDir`: absolute, `~/…`, or relative to the repository; null for the data dir. */
  parentDir: string | null
  dataDir: string
  projectId: string
  repoRoot: string
  homeDir: string
  /** Already made safe; its slashes become folders. */
  branch: string
}

/** The folder that worktrees of a project lie in: `worktreeParentDir`, else `<data dir>/worktrees/<project>`. Absolute. */
export function worktreeParent ({ parentDir, dataDir, projectId, repoRoot, homeDir }: Omit<WorktreePlace, 'branch'>): string {
  if (parentDir === null) return resolve(dataDir, 'worktrees', projectId)
  if (parentDir === '~') return homeDir
  if (parentDir.startsWith('~/')) return join(homeDir, parentDir.slice(2))
  return isAbsolute(parentDir) ? resolve(parentDir) : resolve(repoRoot, parentDir)
}

/** The folder of one worktree: its branch below the parent. Absolute and without `..`. */
export function worktreeFolder (place: WorktreePlace): string {
  const parent = worktreeParent(place)
  const folder = resolve(parent, place.branch)
  if (!isBelow(parent, folder)) throw new PathNotAllowed(`The branch ${place.branch} leads out of ${parent}.`)
  return folder
}

/** True when `inner` lies below `outer` (and is not `outer` itself). Both absolute and normal. */
export function isBelow (outer: string, inner: string): boolean {
  return inner !== outer && inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** True when one of the two is, or holds, the other. */
export function overlaps (a: string, b: string): boolean {
  return a === b || isBelow(a, b) || isBelow(b, a)
}

export interface ForbiddenPlaces {
  /** Folders of project workspaces. */
  projectFolders: readonly string[]
  repoRoot: string
  gitDir: string
  dataDir: string
  homeDir: string
}

/**
 * Why a worktree may not lie at a real path, or null: it would be, hold or spoil something that must never be
 * removed. Lying inside a repository is fine (`.worktrees/x`), inside its git directory is not.
 */
export function reasonAgainst (path: string, places: ForbiddenPlaces): string | null {
  const held: [string, string][] = [
    ...places.projectFolders.map((folder): [string, string] => [folder, 'a project workspace']),
    [places.repoRoot, 'the repository'],
    [places.gitDir, "the repository's git directory"],
    [places.dataDir, 'the data dir'],
    [places.homeDir, 'the home folder']
  ]
  for (const [folder, what] of held) {
    if (path === folder || isBelow(path, folder)) return `${path} is or holds ${what}`
  }
  if (isBelow(places.gitDir, path)) return `${path} lies in the repository's git directory`
  if (isBelow(places.dataDir, path) && !isBelow(join(places.dataDir, 'worktrees'), path)) {
    return `${path} lies among this service's own files`
  }
  return null
}
