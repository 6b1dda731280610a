/** Runs the owner repository's copy of a script: what a branch changed in it must not run unseen. */
import { join, normalize } from 'node:path'
import { isDirectory, exists } from './local-paths.ts'

/** `./x …`, or the same after `sh`, `bash` or `zsh`; the script may be quoted. */
const scriptCommand = /^\s*(?<shell>(?:ba|z)?sh\s+)?(?<quote>["']?)\.\/(?<script>[^"'\s;&|<>$`()]+)\k<quote>(?<rest>\s[\s\S]*)?$/

export interface OwnerScript {
  /** Relative to the repository. */
  path: string
  /** The command with the owner's copy in place of the script. */
  rewrite (absolutePath: string): string
}

/** The script a command begins with, or null when it names none in the repository. Pure. */
export function scriptOf (command: string): OwnerScript | null {
  const found = scriptCommand.exec(command)?.groups
  if (found?.['script'] === undefined) return null
  const path = normalize(found['script'])
  if (path.startsWith('..') || path === '.') return null
  return {
    path,
    rewrite: absolutePath => `${found['shell'] ?? ''}${quote(absolutePath)}${found['rest'] ?? ''}`
  }
}

/**
 * A provision, cleanup or teardown command as it is run: where it names a script that the owner repository has,
 * that copy's absolute path stands in its place; else it is left as it is.
 * @param repoRoot top level of the owner repository, null when there is none
 */
export async function resolveOwnerScript (command: string, repoRoot: string | null): Promise<{ command: string, script: string | null }> {
  const script = scriptOf(command)
  if (script === null || repoRoot === null) return { command, script: null }
  const path = join(repoRoot, script.path)
  if (!await exists(path) || await isDirectory(path)) return { command, script: null }
  return { command: script.rewrite(path), script: path }
}

function quote (text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
