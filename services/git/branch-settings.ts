/** A branch's own settings (its upstream, its description): git forgets them with the branch. */
import type { Git } from './exec.ts'
import { toSetting } from './settings.ts'

/** Names and values, as the repository has them; a name may come more than once. */
export type BranchSettings = [name: string, value: string][]

/** The settings of a branch in the repository's own configuration; empty for none. */
export async function readBranchSettings (git: Git, repoRoot: string, branch: string): Promise<BranchSettings> {
  const { stdout } = await git(['config', '--local', '--null', '--list'], { cwd: repoRoot })
  const prefix = `branch.${branch}.`
  return stdout.split('\0').filter(entry => entry.startsWith(prefix)).map(toSetting)
}

/** Gives a branch its settings back, unless it has any by now. */
export async function restoreBranchSettings (git: Git, repoRoot: string, branch: string, settings: Readonly<BranchSettings>): Promise<void> {
  if (settings.length === 0 || (await readBranchSettings(git, repoRoot, branch)).length > 0) return
  for (const [name, value] of settings) await git(['config', '--local', '--add', name, value], { cwd: repoRoot })
}
