/** Decides which commit new work starts from, and brings a remote-tracking base up to date first. */
import { BaseRefNotFound } from '../errors.ts'
import { resolveCommit } from './branches.ts'
import { gitReason, type Git } from './exec.ts'

export interface ResolvedBase {
  /** As named, or what was found: `origin/main`, `HEAD`. */
  ref: string
  /** The branch that `HEAD` stands for, in full (`refs/heads/main`), where that is the base; else null. */
  branch: string | null
  sha: string
  /** A fetch that failed, in words: the base is then as it was known before. */
  warnings: string[]
}

export interface ResolveBaseInput {
  repoRoot: string
  /** The strategy's base. */
  baseRef: string | null
  /** The project workspace's `repoRef`. */
  repoRef: string | null
  /** Whether a remote-tracking base is fetched first. */
  fetch: boolean
  signal?: AbortSignal
}

// A remote that has not answered within this is taken for unreachable: the work can start from what is known.
const FETCH_TIMEOUT_MS = 60_000

/**
 * Resolves the base: `baseRef`, else `repoRef`, else origin/HEAD, origin/main, origin/master, HEAD. A name that only a
 * remote of this repository knows (`feature` for `origin/feature`) is found there.
 * Throws BaseRefNotFound when a named base does not exist, also after fetching.
 */
export async function resolveBase (git: Git, input: ResolveBaseInput): Promise<ResolvedBase> {
  const warnings: string[] = []
  const named = input.baseRef ?? input.repoRef
  if (named !== null) {
    const found = await resolveNamed(git, input, named, warnings)
    if (found !== null) return { ...found, branch: await branchOf(git, input.repoRoot, found.ref), warnings }
    throw new BaseRefNotFound([`The base ${named} does not exist in ${input.repoRoot}`, ...warnings].join('. '))
  }
  for (const ref of [await originHead(git, input.repoRoot), 'origin/main', 'origin/master']) {
    if (ref === null || await resolveCommit(git, input.repoRoot, `refs/remotes/${ref}`) === null) continue
    const found = await resolveNamed(git, input, ref, warnings)
    if (found !== null) return { ...found, branch: null, warnings }
  }
  const sha = await resolveCommit(git, input.repoRoot, 'HEAD')
  if (sha === null) throw new BaseRefNotFound(`${input.repoRoot} has no commit to start from`)
  return { ref: 'HEAD', sha, branch: await branchOf(git, input.repoRoot, 'HEAD'), warnings }
}

/** Of the main checkout, where a base is looked up. */
async function branchOf (git: Git, repoRoot: string, ref: string): Promise<string | null> {
  if (ref !== 'HEAD' && ref !== '@') return null
  const { stdout, exitCode } = await git(['symbolic-ref', '--quiet', 'HEAD'], { cwd: repoRoot, allowExitCodes: [1] })
  return exitCode === 0 ? stdout.trim() : null
}

async function resolveNamed (git: Git, input: ResolveBaseInput, ref: string, warnings: string[]): Promise<{ ref: string, sha: string } | null> {
  const { repoRoot } = input
  const isLocal = await resolveCommit(git, repoRoot, `refs/heads/${ref}`) !== null
  const tracking = isLocal ? null : await trackingBranch(git, repoRoot, ref)
  if (tracking !== null && input.fetch) {
    const failure = await fetchBranch(git, input, tracking)
    if (failure !== null) warnings.push(`Could not fetch ${tracking.remote}/${tracking.branch}, its last known commit is used: ${failure}`)
  }
  const sha = await resolveCommit(git, repoRoot, isLocal ? `refs/heads/${ref}` : ref)
  if (sha !== null) return { ref, sha }
  const onOrigin = await resolveCommit(git, repoRoot, `refs/remotes/origin/${ref}`)
  return onOrigin === null ? null : await resolveNamed(git, input, `origin/${ref}`, warnings)
}

interface TrackingBranch { remote: string, branch: string }

/** The remote and branch that `origin/main` or `refs/remotes/origin/main` speaks of; null when it names no remote of this repository. */
async function trackingBranch (git: Git, repoRoot: string, ref: string): Promise<TrackingBranch | null> {
  const short = ref.replace(/^(refs\/)?remotes\//, '')
  const { stdout } = await git(['remote'], { cwd: repoRoot })
  const remote = stdout.split('\n').filter(name => name !== '' && short.startsWith(`${name}/`))
    .reduce((longest, name) => name.length > longest.length ? name : longest, '')
  if (remote === '') return null
  const branch = short.slice(remote.length + 1)
  if (branch !== 'HEAD') return { remote, branch }
  const head = remote === 'origin' ? await originHead(git, repoRoot) : null
  return head === null ? null : { remote, branch: head.slice(remote.length + 1) }
}

/** `origin/main` when origin's HEAD is known. */
async function originHead (git: Git, repoRoot: string): Promise<string | null> {
  const { stdout, exitCode } = await git(['symbolic-ref', '--quiet', 'refs/remotes/origin/HEAD'], { cwd: repoRoot, allowExitCodes: [1, 128] })
  return exitCode === 0 ? stdout.trim().replace(/^refs\/remotes\//, '') : null
}

/** Fetches one branch of one remote; gives the reason when that fails. */
async function fetchBranch (git: Git, input: ResolveBaseInput, { remote, branch }: TrackingBranch): Promise<string | null> {
  const isName = await git(['check-ref-format', `refs/heads/${branch}`], { cwd: input.repoRoot, allowExitCodes: [1] })
  if (isName.exitCode !== 0) return `${branch} is no branch name`
  try {
    await git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', remote, `+refs/heads/${branch}:refs/remotes/${remote}/${branch}`], {
      cwd: input.repoRoot, timeoutMs: FETCH_TIMEOUT_MS, ...(input.signal && { signal: input.signal })
    })
    return null
  } catch (error) {
    return gitReason(error)
  }
}
