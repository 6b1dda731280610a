/** Gives a workspace whose worktree is missing its folder back: from its branch, or where it is allowed from its base. */
import { dirname } from 'node:path'
import type { Git } from '../git/exec.ts'
import { addWorktree, branchExists, findOwnerRepository, listWorktrees, resolveCommit, type OwnerRepository } from '../git/worktrees.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { workspaceStep } from '../operations/workspace-step.ts'
import { BranchMissing, NoLocalPath, PathNotAllowed, WorktreeMismatch } from '../errors.ts'
import { withProblems } from './as-problem.ts'
import { exists, isDirectory, makeFolders, realPathOf } from './local-paths.ts'
import { copySettings, repositoryWaitMs, update, workFolder, type PrepareDeps } from './prepare.ts'
import type { WorkspaceRow } from './shape.ts'
import { worktreeStands } from './standing.ts'
import { rowStrategy } from './strategy.ts'

/**
 * Attaches the worktree of a live workspace again. The caller has the workspace's lock alone.
 * @throws BranchMissing, PathNotAllowed, WorktreeMismatch, RepositoryUnusable, NoLocalPath (422), WorkspaceBusy (409)
 */
export async function reattachWorktree (deps: PrepareDeps, row: WorkspaceRow, path: string, runId: string | null): Promise<WorkspaceRow> {
  const { repo_root: repoRoot, branch_name: branch } = row
  if (repoRoot === null || branch === null) throw new NoLocalPath(`The folder ${path} of this workspace is not there, and nothing is recorded to make it from.`)
  const { value } = await deps.recorder.run(workspaceStep(row, runId, {
    phase: 'worktree_prepare',
    cwd: repoRoot,
    metadata: { action: 'reattach', branchName: branch, worktreePath: path }
  }), async op => await withProblems(async () => {
    if (!await isDirectory(repoRoot)) throw new NoLocalPath(`The repository ${repoRoot} of this workspace is not there.`)
    const owner = await findOwnerRepository(deps.git, repoRoot)
    const attached = await deps.locks.withLock({
      resource: `repository:${owner.commonDir}`,
      mode: 'exclusive',
      purpose: `attaching the worktree of ${branch}`,
      operationId: op.id,
      waitMs: repositoryWaitMs,
      signal: op.signal
    }, async () => await attach(deps, op, { row, owner, path, branch }))
    await copySettings(deps.git, op, attached, { path, owner })
    return attached
  }))
  return value
}

interface AttachInput {
  row: WorkspaceRow
  owner: OwnerRepository
  path: string
  branch: string
}

async function attach (deps: PrepareDeps, op: OperationHandle, { row, owner, path, branch }: AttachInput): Promise<WorkspaceRow> {
  const { git } = deps
  await clearHalfMade(git, row, owner, path)
  if (await worktreeStands(path)) return row
  await refuseMovedPlace(row, path)
  if (await exists(path)) throw new WorktreeMismatch(`${path} is there, but is no worktree of ${owner.root} any more. Nothing was touched.`)
  await refuseElsewhere(git, owner, branch, path)
  const baseSha = await branchExists(git, owner.root, branch) ? null : await baseForMissingBranch(git, row, owner, branch)
  const recorded = await update(deps, row.id, {
    realized_path: await realPathOf(path),
    created_by_runtime: true,
    provision_fingerprint: null,
    ...(baseSha === null ? {} : { branch_created_by_runtime: true })
  })
  await makeFolders(dirname(path), git.files)
  await addWorktree(git, { repoRoot: owner.root, path, branch, baseSha, signal: op.signal })
  op.log.system(baseSha === null ? `Attached the branch ${branch} at ${path} again\n` : `Made the branch ${branch} anew from ${baseSha} at ${path}\n`)
  op.annotate({ branchCreated: baseSha !== null, created: true })
  // The project workspace may lie in a folder of its repository: the recorded place is kept where the branch has it.
  if (row.cwd !== null && await isDirectory(row.cwd)) return recorded
  return await update(deps, row.id, { cwd: await workFolder(owner, path) })
}

/** What a killed `git worktree add` of ours left behind: git's own lock on the entry says that the folder was never finished. */
async function clearHalfMade (git: Git, row: WorkspaceRow, owner: OwnerRepository, path: string): Promise<void> {
  if (!row.created_by_runtime || row.realized_path !== path || !await exists(path) || await worktreeStands(path)) return
  const entry = (await listWorktrees(git, owner.root)).find(worktree => worktree.path === path)
  if (entry?.locked !== true) return
  await git(['worktree', 'remove', '--force', '--force', '--', path], { cwd: owner.root, allowExitCodes: [1, 128] })
}

/** What is recorded is a real path: where it leads elsewhere now, a symlink was put in its way, and nothing is made there. */
async function refuseMovedPlace (row: WorkspaceRow, path: string): Promise<void> {
  const real = await realPathOf(path)
  if (path === row.realized_path && real !== path) throw new PathNotAllowed(`The worktree is not made at ${path} again: it leads to ${real} now.`)
}

async function refuseElsewhere (git: Git, owner: OwnerRepository, branch: string, path: string): Promise<void> {
  for (const worktree of await listWorktrees(git, owner.root)) {
    if (worktree.branch !== branch || worktree.path === path || !await exists(worktree.path)) continue
    throw new WorktreeMismatch(`The folder ${path} of this workspace is gone, and its branch ${branch} is checked out at ${worktree.path} now.`)
  }
}

/** The commit to make a missing branch anew from; only where the request that made the workspace allowed it. */
async function baseForMissingBranch (git: Git, row: WorkspaceRow, owner: OwnerRepository, branch: string): Promise<string> {
  const rescue = typeof row.rescue?.['ref'] === 'string' ? ` Its last rescue snapshot is at ${row.rescue['ref']}.` : ''
  if (rowStrategy(row).createMissingBranch !== true) {
    throw new BranchMissing(`The folder and the branch ${branch} of this workspace are gone from ${owner.root}. It is not made anew from the base, since its commits would seem lost: make the branch again (git branch ${branch} <commit>).${rescue}`)
  }
  for (const ref of [row.base_sha, row.base_ref]) {
    const sha = ref === null ? null : await resolveCommit(git, owner.root, ref)
    if (sha !== null) return sha
  }
  throw new BranchMissing(`The branch ${branch} is gone, and so is its base ${row.base_ref ?? ''}.${rescue}`)
}
