/** Looks for evidence that a base has what a branch has done, also when its commits themselves are not in it. */
import { join } from 'node:path'
import type { GitReadiness } from '../../openapi/schemas/readiness.ts'
import type { Git, GitOptions } from './exec.ts'
import { makeCommit } from './make-objects.ts'
import { withScratch } from './objects.ts'

export type MergeEvidence = NonNullable<GitReadiness['mergeEvidence']>

export interface EvidenceInput {
  /** A folder of the repository or of one of its worktrees. */
  path: string
  /** Commit ids, or expressions that no option can be taken for. */
  base: string
  tip: string
  signal?: AbortSignal
}

/** Each commit that the base has more is compared by its patch; so many take about as long as one look at the files. */
const maxComparedCommits = 1_000

/**
 * Why `tip` counts as merged into `base`, although it is no ancestor of it: `tree` when merging it would change nothing, `patch`
 * when each of its commits, or all of them as one (a squash merge that the base has gone beyond), is in the base as a patch.
 * What is made to compare with is written beside the repository, never into it.
 * @param behind how many commits the base has that the tip has not
 * @returns null when there is no such evidence
 * @throws Error when it could not be looked for: then nothing is known
 */
export async function findMergeEvidence (git: Git, input: EvidenceInput, behind: number): Promise<Exclude<MergeEvidence, 'ancestor'> | null> {
  // A base that has nothing more can't have got it in another form.
  if (behind === 0) return null
  return await withScratch(async folder => {
    const options = await apart(git, input, folder)
    const { stdout } = await git(['rev-parse', '--end-of-options', `${input.base}^{commit}`, `${input.tip}^{commit}`, `${input.base}^{tree}`, `${input.tip}^{tree}`], options)
    const [base = '', tip = '', baseTree = '', tipTree = ''] = stdout.split('\n').filter(line => !line.startsWith('--'))
    if (await mergesTo(git, { base, tip }, options) === baseTree) return 'tree'
    if (behind > maxComparedCommits) throw new Error(`the base has ${behind} commits more, which is too many to compare with`)
    return await hasPatches(git, { base, tip, tipTree }, options) ? 'patch' : null
  }, git.files)
}

/** Objects that are made go into a folder of their own; those of the repository can be read. */
async function apart (git: Git, { path, signal }: EvidenceInput, folder: string): Promise<GitOptions> {
  const { stdout } = await git(['rev-parse', '--path-format=absolute', '--git-path', 'objects'], { cwd: path })
  const made = join(folder, 'objects')
  await git.files.mkdir(made, {})
  return { cwd: path, env: { GIT_OBJECT_DIRECTORY: made, GIT_ALTERNATE_OBJECT_DIRECTORIES: stdout.replace(/\n$/, '') }, ...(signal && { signal }) }
}

/** The tree a merge would have; null when it can't be merged without a person, or has no common ground. */
async function mergesTo (git: Git, { base, tip }: { base: string, tip: string }, options: GitOptions): Promise<string | null> {
  const { stdout, exitCode } = await git(['merge-tree', '--write-tree', '--no-messages', base, tip], { ...options, allowExitCodes: [1, 128] })
  return exitCode === 0 ? stdout.trim() : null
}

async function hasPatches (git: Git, { base, tip, tipTree }: { base: string, tip: string, tipTree: string }, options: GitOptions): Promise<boolean> {
  const { stdout, exitCode } = await git(['merge-base', base, tip], { ...options, allowExitCodes: [1] })
  const fork = stdout.trim()
  if (exitCode === 1) return false
  const squash = makeCommit(fork.length === 40 ? 'sha1' : 'sha256', { tree: tipTree, parents: [fork], message: 'all of it as one', at: new Date(0) })
  await git(['hash-object', '-w', '-t', 'commit', '--stdin'], { ...options, input: squash.content })
  if (await areAllIn(git, { base, tip: squash.id }, options)) return true
  // `git cherry` passes over merges: what somebody did while merging would go unseen.
  const merges = await git(['rev-list', '--max-count=1', '--min-parents=2', tip, `^${base}`, '--'], options)
  return merges.stdout === '' && await areAllIn(git, { base, tip }, options)
}

/** Whether each commit that only the tip has is in the base as a patch; see git-cherry(1). */
async function areAllIn (git: Git, { base, tip }: { base: string, tip: string }, options: GitOptions): Promise<boolean> {
  const { stdout } = await git(['cherry', base, tip], options)
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.length > 0 && lines.every(line => line.startsWith('- '))
}
