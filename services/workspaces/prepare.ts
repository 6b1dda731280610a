/** Makes or finds the worktree of a workspace, under an operation: base, branch, folder, copied files. */
import { dirname, join } from 'node:path'
import type { Db } from '../../db/client.ts'
import { updateWorkspace, findWorktreeMakers, type WorkspacePatch } from '../../db/execution-workspaces.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import type { Git } from '../git/exec.ts'
import { addWorktree, resolveBase, type OwnerRepository, type ResolvedBase } from '../git/worktrees.ts'
import type { Locks } from '../operations/locks.ts'
import type { OperationHandle, Recorder } from '../operations/recorder.ts'
import { workspaceStep } from '../operations/workspace-step.ts'
import { NoLocalPath, WorkspaceStateConflict } from '../errors.ts'
import { withProblems } from './as-problem.ts'
import { copyFiles } from './copy-files.ts'
import { isDirectory, makeFolders, realPathOf } from './local-paths.ts'
import type { WorkspaceRow } from './shape.ts'
import { rowStrategy } from './strategy.ts'
import type { Made } from './undo.ts'
import { ownerOf, worktreeTaken, type WorktreePlan, type WorktreePlanner } from './worktree-plan.ts'

/** Adding a worktree of a large repository takes a while, and several may be in line. */
export const repositoryWaitMs = 300_000

// More names than this in the metadata help nobody; the log has them all.
const shownFiles = 100

export interface PrepareDeps {
  db: Db
  git: Git
  hostId: string
  locks: Locks
  recorder: Recorder
  planner: WorktreePlanner
  now: () => Date
}

export interface PrepareInput {
  row: WorkspaceRow
  /** Told as things are made, so that a failure at any point knows what to undo. */
  made: Made
  runId: string | null
  owner?: OwnerRepository | undefined
  /** Ends it, beside its own operation's. */
  signal?: AbortSignal | undefined
}

/**
 * Makes the worktree of a workspace in `provisioning` and records where it is and who made it; what is to be made is
 * recorded before it is made. Answers the row as it is now.
 */
export async function prepareWorktree (deps: PrepareDeps, { row, made, runId, owner: known, signal: given }: PrepareInput): Promise<WorkspaceRow> {
  const checkout = await checkoutOf(deps.db, row)
  const { value } = await deps.recorder.run(workspaceStep(row, runId, {
    phase: 'worktree_prepare',
    cwd: checkout.cwd,
    metadata: { action: 'create', branchName: row.branch_name }
  }), async op => await withProblems(async () => {
    const signal = given === undefined ? op.signal : AbortSignal.any([op.signal, given])
    const strategy = rowStrategy(row)
    const owner = known ?? await ownerOf(deps.git, checkout.cwd)
    const base = await resolveBase(deps.git, {
      repoRoot: owner.root, baseRef: strategy.baseRef ?? null, repoRef: checkout.repoRef, fetch: true, signal
    })
    for (const warning of base.warnings) op.log.system(`${warning}\n`)
    const [placed, plan] = await deps.locks.withLock({
      resource: `repository:${owner.commonDir}`,
      mode: 'exclusive',
      purpose: `adding the worktree of ${row.branch_name ?? row.id}`,
      operationId: op.id,
      waitMs: repositoryWaitMs,
      signal
    }, async () => await place(deps, op, { row, made, base, owner, checkout: checkout.cwd, signal }))
    const copied = await copySettings(deps.git, op, placed, plan)
    const cwd = await workFolder(owner, plan.path)
    const done = await update(deps, placed.id, { cwd, provider_ref: plan.path, ...await makersOf(deps, placed, plan) })
    op.annotate(factsOf(done, plan, base, copied))
    return done
  }))
  return value
}

interface PlaceInput {
  row: WorkspaceRow
  made: Made
  base: ResolvedBase
  owner: OwnerRepository
  checkout: string
  signal: AbortSignal
}

/** Under the repository's lock: looks once more, records what will be made, makes it. */
async function place (deps: PrepareDeps, op: OperationHandle, { row, made, base, owner, checkout, signal }: PlaceInput): Promise<[WorkspaceRow, WorktreePlan]> {
  const branch = row.branch_name ?? ''
  const plan = await deps.planner.plan({
    companyId: row.company_id,
    projectId: row.project_id,
    workspaceId: row.id,
    checkout,
    branch,
    strategy: rowStrategy(row),
    reuse: row.shares_worktree,
    owner
  })
  const recorded = await update(deps, row.id, {
    realized_path: plan.path,
    repo_root: plan.owner.root,
    base_ref: base.ref,
    base_sha: base.sha,
    base_branch: base.branch,
    ...(plan.kind === 'reuse' ? {} : { created_by_runtime: true, branch_created_by_runtime: plan.kind === 'create' })
  })
  if (plan.kind === 'reuse') {
    op.log.system(`Using the worktree that is there: ${plan.path}\n`)
    return [recorded, plan]
  }
  made.folder = true
  made.branch = plan.kind === 'create'
  await makeFolders(dirname(plan.path), deps.git.files)
  await addWorktree(deps.git, { repoRoot: plan.owner.root, path: plan.path, branch, baseSha: plan.kind === 'create' ? base.sha : null, signal })
  op.log.system(plan.kind === 'create'
    ? `Made the branch ${branch} from ${base.ref} (${base.sha}) and its worktree ${plan.path}\n`
    : `Attached the branch ${branch} at ${plan.path}\n`)
  return [recorded, plan]
}

/** For a worktree that was there: whether this service made it once, for a workspace that had it before. */
async function makersOf ({ db, hostId }: PrepareDeps, row: WorkspaceRow, plan: WorktreePlan): Promise<WorkspacePatch> {
  if (plan.kind !== 'reuse') return {}
  const makers = await findWorktreeMakers(db, hostId, plan.path, row.branch_name ?? '')
  return { created_by_runtime: makers.folder, branch_created_by_runtime: makers.branch }
}

/** The same place in the worktree that the project workspace has in its checkout, where the branch has it; else the top. */
export async function workFolder (owner: OwnerRepository, path: string): Promise<string> {
  const same = join(path, owner.subPath)
  return await isDirectory(same) ? same : path
}

/** Copies the strategy's `copyFiles` and tells what came of each in the log. */
export async function copySettings ({ files }: Git, op: OperationHandle, row: WorkspaceRow, { path, owner }: Pick<WorktreePlan, 'path' | 'owner'>): Promise<string[]> {
  const { copyFiles: globs = [] } = rowStrategy(row)
  if (globs.length === 0) return []
  const report = await copyFiles({ from: await realPathOf(owner.root), to: path, globs, files })
  for (const name of report.copied) op.log.system(`Copied ${name}\n`)
  for (const { path: name, reason } of report.skipped) op.log.system(`Did not copy ${name}: it ${reason}\n`)
  return report.copied
}

function factsOf (row: WorkspaceRow, plan: WorktreePlan, base: ResolvedBase, copied: readonly string[]) {
  return {
    repoRoot: plan.owner.root,
    worktreePath: plan.path,
    branchName: row.branch_name,
    baseRef: base.ref,
    baseSha: base.sha,
    created: plan.kind !== 'reuse',
    branchCreated: plan.kind === 'create',
    reused: plan.kind === 'reuse',
    copiedFiles: copied.slice(0, shownFiles),
    warnings: base.warnings
  }
}

/**
 * Changes the row while its files are made.
 * @throws WorktreeTaken (409) when another live workspace has the worktree
 */
export async function update ({ db, now }: Pick<PrepareDeps, 'db' | 'now'>, id: string, patch: WorkspacePatch): Promise<WorkspaceRow> {
  try {
    const row = await updateWorkspace(db, id, patch, now())
    if (row === undefined) throw new WorkspaceStateConflict('The workspace is gone.')
    return row
  } catch (error) {
    if (isUniqueViolation(error, 'execution_workspaces_one_per_worktree')) throw worktreeTaken(patch.realized_path ?? 'asked for', null)
    throw error
  }
}

/** The folder of the row's project workspace. */
async function checkoutOf (db: Db, row: WorkspaceRow): Promise<{ cwd: string, repoRef: string | null }> {
  const found = row.project_workspace_id === null
    ? undefined
    : await db.selectFrom('project_workspaces').select(['cwd', 'repo_ref']).where('id', '=', row.project_workspace_id).executeTakeFirst()
  if (found === undefined || found.cwd === null) throw new NoLocalPath('The project workspace has no folder a worktree could be made from.')
  return { cwd: found.cwd, repoRef: found.repo_ref }
}
