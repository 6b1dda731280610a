/** How far a worktree's HEAD and its base are apart, and whether the base has what HEAD has. */
import type { GitReadiness } from '../../openapi/schemas/readiness.ts'
import { gitReason, type Git } from './exec.ts'
import { findMergeEvidence } from './merge-evidence.ts'

export type Divergence = Pick<GitReadiness, 'aheadCount' | 'behindCount' | 'isMergedIntoBase' | 'mergeEvidence'>

export interface DivergenceInput {
  path: string
  /** Null leaves everything unknown. */
  baseRef: string | null
  branchName: string | null
}

const unknown: Divergence = { aheadCount: null, behindCount: null, isMergedIntoBase: null, mergeEvidence: null }

/** Whether a base is the branch itself: that is merged into itself always, which says nothing. */
export function isOwnBase (baseRef: string, branch: string | null): boolean {
  return branch !== null && [branch, `heads/${branch}`, `refs/heads/${branch}`].includes(baseRef)
}

/**
 * Compares with the base: one git process, further ones only when both sides have commits of their own.
 * Never throws: what could not be compared is added to `problems`, and merged is unknown then.
 */
export async function readDivergence (git: Git, { path, baseRef, branchName }: DivergenceInput, problems: string[]): Promise<Divergence> {
  if (baseRef === null) return unknown
  if (isOwnBase(baseRef, branchName)) {
    problems.push(`The base of ${baseRef} is ${baseRef} itself: whether the work is merged is not known.`)
    return unknown
  }
  try {
    const { stdout } = await git(['rev-list', '--left-right', '--count', '--end-of-options', `${baseRef}...HEAD`, '--'], { cwd: path })
    const [behindCount, aheadCount] = stdout.trim().split('\t').map(Number)
    if (behindCount === undefined || aheadCount === undefined) return unknown
    const merged = aheadCount === 0 ? { isMergedIntoBase: true, mergeEvidence: 'ancestor' as const } : await judgeAhead(git, { path, baseRef, behindCount }, problems)
    return { aheadCount, behindCount, ...merged }
  } catch {
    problems.push(`The base ${baseRef} could not be compared with: whether the work is merged is not known.`)
    return unknown
  }
}

async function judgeAhead (git: Git, { path, baseRef, behindCount }: { path: string, baseRef: string, behindCount: number }, problems: string[]): Promise<Pick<Divergence, 'isMergedIntoBase' | 'mergeEvidence'>> {
  try {
    const mergeEvidence = await findMergeEvidence(git, { path, base: baseRef, tip: 'HEAD' }, behindCount)
    return { isMergedIntoBase: mergeEvidence !== null, mergeEvidence }
  } catch (error) {
    problems.push(`Whether ${baseRef} has the work in another form (a squash merge) could not be found out: ${gitReason(error)}.`)
    return { isMergedIntoBase: null, mergeEvidence: null }
  }
}
