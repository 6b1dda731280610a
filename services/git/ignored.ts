/** Chooses the small ignored files worth keeping, such as `.env`, among everything git ignores. */
import { lstat, readdir } from 'node:fs/promises'
import { matchesGlob } from 'node:path'
import { baseNameOf, toDisplay, toFsPath, type BytePath } from './byte-path.ts'
import { MAX_IGNORED_FILE_BYTES } from './snapshot.ts'
import type { StatusEntry } from './status.ts'

export interface ChosenIgnored {
  /** Files and links that match a glob and are small enough. */
  chosen: BytePath[]
  /** Ignored folders that are repositories of their own; like most of what is ignored, they are not kept. */
  repositories: BytePath[]
  /** What matches, but is too large or could not be looked into, in words. */
  warnings: string[]
}

/** Folders that tools fill and can fill again; settings of the user's own are not kept in them. */
const generated = new Set(['.git', 'node_modules', '.venv', 'venv', '__pycache__', '.cache', '.tox', '.gradle', '.next', '.nuxt', '.turbo', 'bower_components'])

// Ignored folders can hold millions of files; a search that sees this many entries stops and says so.
const MAX_VISITED_ENTRIES = 20_000

/** Whether `path` matches one of `globs`: one without a slash looks at the file's name, one with a slash at the whole path. */
export function matchesAny (path: BytePath, globs: readonly string[]): boolean {
  const whole = toDisplay(path)
  const name = toDisplay(baseNameOf(path))
  return globs.some(glob => matchesGlob(glob.includes('/') ? whole : name, glob.replace(/^\.?\//, '')))
}

/** Chooses among the `ignored` entries of a status; folders ignored as a whole are searched too, except generated ones. */
export async function chooseIgnored (root: string, entries: readonly StatusEntry[], globs: readonly string[], maxVisited = MAX_VISITED_ENTRIES): Promise<ChosenIgnored> {
  const result: ChosenIgnored = { chosen: [], repositories: [], warnings: [] }
  if (globs.length === 0) return result
  const paths = entries.filter(entry => entry.kind === 'ignored').map(entry => entry.path)
  // Files first: a folder that holds too much ends the search.
  const queue = [...paths.filter(path => !path.endsWith('/')), ...paths.filter(path => path.endsWith('/'))]
  let visited = 0
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (path.endsWith('/')) {
      const folder = path.slice(0, -1)
      if (generated.has(baseNameOf(folder))) continue
      const found = await listFolder(root, folder, result.warnings)
      if (found.some(inside => /^\.git\/?$/.test(inside.slice(path.length)))) result.repositories.push(folder)
      visited += found.length
      if (visited > maxVisited) {
        result.warnings.push(`Not all ignored folders were searched: ${toDisplay(path)} and others hold too many files`)
        break
      }
      queue.push(...found)
    } else if (matchesAny(path, globs)) await consider(root, path, result)
  }
  result.chosen.sort()
  return result
}

async function consider (root: string, path: BytePath, result: ChosenIgnored): Promise<void> {
  const found = await lstat(toFsPath(root, path)).catch(() => null)
  if (found === null || !(found.isFile() || found.isSymbolicLink())) return
  if (found.size > MAX_IGNORED_FILE_BYTES) result.warnings.push(`The ignored file ${toDisplay(path)} is too large to be kept (${found.size} bytes)`)
  else result.chosen.push(path)
}

async function listFolder (root: string, folder: BytePath, warnings: string[]): Promise<BytePath[]> {
  try {
    const found = await readdir(toFsPath(root, folder), { withFileTypes: true, encoding: 'buffer' })
    return found.map(entry => `${folder}/${entry.name.toString('latin1')}${entry.isDirectory() ? '/' : ''}`)
  } catch {
    warnings.push(`The ignored folder ${toDisplay(folder)} could not be searched`)
    return []
  }
}
