/** Decides whether a folder may be removed: only one this service made, at the place it made it, and none that others need. */
import { lstat, realpath } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isAbsence, realPathOf } from '../workspaces/local-paths.ts'
import { isBelow } from '../workspaces/worktree-path.ts'

/** A path nothing may be removed from under: `what` names it in the reason. */
export interface ProtectedPath {
  path: string
  what: string
  /** Also refuse what lies inside it (a git directory, the database's files). */
  insideToo?: boolean
}

export interface RemovalQuestion {
  /** The recorded place, a real path. */
  path: string | null
  /** The row says that this service made the folder. */
  createdByRuntime: boolean
  /** Where the folder stood before it was renamed aside; judged too, so that a rename widens nothing. */
  formerPath?: string
  dataDir: string
  protectedPaths: readonly ProtectedPath[]
}

export type RefusalCode = 'not_created_here' | 'missing' | 'protected' | 'unsafe_path'

export type RemovalVerdict =
  | { ok: true, realPath: string }
  | { ok: false, code: RefusalCode, reason: string }

const refuse = (code: RefusalCode, reason: string): RemovalVerdict => ({ ok: false, code, reason })

/** True when `inner` is `outer` or lies below it; both absolute and normalised. */
export function contains (outer: string, inner: string): boolean {
  return outer === inner || isBelow(outer, inner)
}

/** Levels of `path` below `root`; 0 for `root` itself, null when it is not below it. */
function depthBelow (root: string, path: string): number | null {
  if (!contains(root, path)) return null
  const rest = relative(root, path)
  return rest === '' ? 0 : rest.split(sep).length
}

/**
 * The pure part: why the real path may not be removed, or null when it may.
 * Every path given is real; `dataDir` too.
 */
export function reasonToKeep (realPath: string, dataDir: string, protectedPaths: readonly ProtectedPath[]): string | null {
  if ((depthBelow('/', realPath) ?? 0) < 2) return `${realPath} is the root or a top-level folder of the machine`
  for (const { path, what, insideToo } of protectedPaths) {
    if (realPath === path) return `${realPath} is ${what}`
    if (contains(realPath, path)) return `${realPath} holds ${what} (${path})`
    if (insideToo === true && contains(path, realPath)) return `${realPath} lies in ${what} (${path})`
  }
  if (contains(realPath, dataDir)) return `${realPath} is or holds the data dir`
  const depth = depthBelow(dataDir, realPath)
  // The data dir's own rooms (worktrees, logs, rescued …) are one level down; what they hold is deeper.
  if (depth !== null && depth < 2) return `${realPath} is one of the data dir's own folders`
  if (contains(join(dataDir, 'db'), realPath)) return `${realPath} lies in the database's folder`
  return null
}

async function realProtectedPaths (paths: readonly ProtectedPath[]): Promise<ProtectedPath[]> {
  const real = new Map<string, Promise<string>>()
  for (const { path } of paths) if (!real.has(path)) real.set(path, realPathOf(path))
  return await Promise.all(paths.map(async entry => ({ ...entry, path: await real.get(entry.path) ?? entry.path })))
}

/** Why a recorded path can't even be looked at, or null. */
function malformed (path: string): string | null {
  if (!isAbsolute(path) || path.includes('\0') || resolve(path) !== path) return 'the recorded path is not absolute and plain'
  return null
}

/**
 * Whether the folder at a recorded path may be removed. It may only when this service made it, when it
 * is a real folder reached without any symlink, and when it neither is nor holds anything protected.
 * `missing` means that there is nothing there. Never throws for what it finds on disk: doubt is a refusal.
 */
export async function mayRemove (question: RemovalQuestion): Promise<RemovalVerdict> {
  const { path, formerPath, createdByRuntime } = question
  if (path === null) return refuse('missing', 'no folder is recorded')
  if (!createdByRuntime) return refuse('not_created_here', `${path} was not made by this service`)
  const fault = malformed(path) ?? (formerPath === undefined ? null : malformed(formerPath))
  if (fault !== null) return refuse('unsafe_path', fault)
  const [dataDir, protectedPaths] = await Promise.all([realPathOf(question.dataDir), realProtectedPaths(question.protectedPaths)])
  for (const judged of formerPath === undefined ? [path] : [path, formerPath]) {
    const kept = reasonToKeep(judged, dataDir, protectedPaths)
    if (kept !== null) return refuse('protected', kept)
  }
  return await lookOnDisk(path, dataDir, protectedPaths)
}

async function lookOnDisk (path: string, dataDir: string, protectedPaths: readonly ProtectedPath[]): Promise<RemovalVerdict> {
  let real: string
  try {
    const found = await lstat(path)
    if (found.isSymbolicLink()) return refuse('unsafe_path', `${path} is a symlink`)
    if (!found.isDirectory()) return refuse('unsafe_path', `${path} is not a folder`)
    real = await realpath(path)
  } catch (error) {
    if (isAbsence(error)) return await missingOrElsewhere(path)
    return refuse('unsafe_path', `${path} could not be looked at (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'})`)
  }
  if (real !== path) return refuse('unsafe_path', `${path} is reached through a symlink (to ${real})`)
  const kept = reasonToKeep(real, dataDir, protectedPaths)
  return kept === null ? { ok: true, realPath: real } : refuse('protected', kept)
}

/** A folder that is not there counts as gone only when no symlink on its way has been put elsewhere. */
async function missingOrElsewhere (path: string): Promise<RemovalVerdict> {
  const real = await realPathOf(path)
  if (real !== path) return refuse('unsafe_path', `${path} is reached through a symlink (to ${real})`)
  return refuse('missing', `${path} is not there`)
}
