/** Makes the files of workspaces and keeps them made: create, finish after a crash, attach again before use. */
import { homedir } from 'node:os'
import type { Db } from '../../db/client.ts'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { systemActor } from '../access/actor.ts'
import type { EnvironmentBuilder } from '../process/environment.ts'
import type { Git } from '../git/exec.ts'
import { findOwnerRepository } from '../git/worktrees.ts'
import type { Locks } from '../operations/locks.ts'
import type { Recorder } from '../operations/recorder.ts'
import { NoLocalPath, NotFound, ProvisionFailed, WorkspaceStateConflict, WorktreeMismatch, isProblem } from '../errors.ts'
import { reusableStatuses } from '../../openapi/schemas/workspace.ts'
import { asProblem, isStopping } from './as-problem.ts'
import { loadCommandContext } from './context.ts'
import { interruptedPreparations, lastPreparation } from './last-preparation.ts'
import { isDirectory } from './local-paths.ts'
import { activate, markFailed } from './outcome.ts'
import { prepareWorktree, repositoryWaitMs, update, type PrepareDeps } from './prepare.ts'
import { createProvisioner, type Provisioner } from './provision.ts'
import { reattachWorktree } from './reattach.ts'
import type { Realizer, RealizeOptions } from './realizer.ts'
import type { WorkspaceRow } from './shape.ts'
import { worktreeStands } from './standing.ts'
import { createStandingMemory, type StandingMemory } from './standing-memory.ts'
import { rowStrategy } from './strategy.ts'
import { undo, type Made, type Undone } from './undo.ts'
import { worktreeParent } from './worktree-path.ts'
import type { WorktreePlanner } from './worktree-plan.ts'

export interface RealizerDeps {
  db: Db
  git: Git
  hostId: string
  locks: Locks
  recorder: Recorder
  environment: EnvironmentBuilder
  planner: WorktreePlanner
  dataDir: string
  /** Of a provision command. */
  commandTimeoutMs: number
  now?: () => Date
  homeDir?: string
}

/** Ends of the service that making one workspace may meet before it is given up. */
const maxInterruptions = 3

/** Before use, a workspace may be busy with a job for long: say so rather than wait. */
const workspaceWaitMs = 15_000

type Deps = RealizerDeps & PrepareDeps & { provisioner: Provisioner, homeDir: string, standing: StandingMemory }

/** The realizer of one host. */
export function createRealizer (given: RealizerDeps): Realizer {
  const provisioner = createProvisioner({ recorder: given.recorder, environment: given.environment, timeoutMs: given.commandTimeoutMs })
  const deps: Deps = { ...given, now: given.now ?? (() => new Date()), homeDir: given.homeDir ?? homedir(), provisioner, standing: createStandingMemory() }
  return {
    async realize (row, options = {}) {
      return await alone(deps, row, { purpose: 'its files are being made' }, async current => {
        if (current.status !== 'provisioning') throw new WorkspaceStateConflict(`The workspace is ${current.status}, not provisioning.`)
        return await makeOrUndo(deps, current, options)
      })
    },

    isReady: async row => await isReady(deps, row),

    async ensureFiles (row, options = {}) {
      if (row.strategy_type !== 'git_worktree') return await requireFolder(row)
      if (await isReady(deps, row)) return row
      return await alone(deps, row, { purpose: 'its files are being made sure of', signal: options.signal }, async current => {
        if (!reusableStatuses.some(status => status === current.status)) {
          throw new WorkspaceStateConflict(`The workspace is ${current.status}.`)
        }
        return await isReady(deps, current) ? current : await makeReady(deps, current, options)
      })
    }
  }
}

/** Runs a step with the workspace locked for itself and its row read afresh. */
async function alone (deps: Deps, row: WorkspaceRow, { purpose, signal }: { purpose: string, signal?: AbortSignal | undefined }, step: (current: WorkspaceRow) => Promise<WorkspaceRow>): Promise<WorkspaceRow> {
  return await deps.locks.withLock({ resource: `workspace:${row.id}`, mode: 'exclusive', purpose, waitMs: workspaceWaitMs, ...(signal === undefined ? {} : { signal }) }, async () => {
    const current = await findWorkspace(deps.db, row.id)
    if (current === undefined) throw new NotFound('The workspace is gone.')
    return await step(current)
  })
}

async function makeOrUndo (deps: Deps, row: WorkspaceRow, options: RealizeOptions): Promise<WorkspaceRow> {
  const made: Made = { folder: false, branch: false }
  try {
    if (row.strategy_type !== 'git_worktree') return await activate(deps.db, row, {}, deps.now())
    const finished = options.resume === true ? await resume(deps, row, made) : null
    const prepared = finished ?? await prepareWorktree(deps, { row, made, runId: options.runId ?? null, owner: options.owner, signal: options.signal })
    const provisioned = await provisionIfDue(deps, prepared, options)
    return await activate(deps.db, provisioned, {}, deps.now())
  } catch (thrown) {
    const error = asProblem(thrown)
    if (!isStopping(error)) await fail(deps, row.id, made, error)
    throw error
  }
}

/**
 * Picks up what an earlier attempt left: a worktree that was finished is kept and answered; one that was begun by this
 * service is taken back, so that it is made from the start.
 */
async function resume (deps: Deps, row: WorkspaceRow, made: Made): Promise<WorkspaceRow | null> {
  const path = row.realized_path
  const before = await lastPreparation(deps.db, row.id)
  if (before !== null && path !== null && row.provider_ref === path && await worktreeStands(path)) {
    made.folder = before.created
    made.branch = before.branchCreated
    await refuseEndlessTries(deps.db, row)
    return row
  }
  // Recorded as this workspace's own before it was made, so what is there is the beginning of it.
  if (before === null && row.created_by_runtime) {
    const undone = await takeBack(deps, row, { folder: true, branch: row.branch_created_by_runtime })
    made.folder = !undone.folderGone
    made.branch = !undone.branchGone
    if (!undone.folderGone) throw new WorktreeMismatch(`An interrupted attempt can not be cleared away: ${undone.problems.join('; ')}.`)
    await update(deps, row.id, { created_by_runtime: false, branch_created_by_runtime: false })
    Object.assign(made, { folder: false, branch: false })
  }
  await refuseEndlessTries(deps.db, row)
  return null
}

/** Whatever ends this service each time it makes this workspace must not do so at every start for ever. */
async function refuseEndlessTries (db: Db, row: WorkspaceRow): Promise<void> {
  const interrupted = await interruptedPreparations(db, row.id)
  if (interrupted < maxInterruptions) return
  throw new ProvisionFailed(`Making this workspace was cut off ${interrupted} times; it is not tried again.`)
}

async function fail (deps: Deps, id: string, made: Made, error: unknown): Promise<void> {
  const row = await findWorkspace(deps.db, id)
  if (row === undefined) return
  const undone = await takeBack(deps, row, made)
  const reason = isProblem(error) ? error.detail : 'Something went wrong inside the service.'
  const rest = undone.problems.length === 0 ? '' : ` Not taken back: ${undone.problems.join('; ')}.`
  await markFailed(deps.db, row, {
    provision_fingerprint: null,
    branch_created_by_runtime: !undone.branchGone,
    ...(undone.folderGone ? { realized_path: null, provider_ref: null, cwd: null, created_by_runtime: false } : {})
  }, reason + rest, systemActor, deps.now())
}

async function takeBack (deps: Deps, row: WorkspaceRow, made: Made): Promise<Undone> {
  const { realized_path: path, repo_root: repoRoot, branch_name: branch } = row
  if (path === null || repoRoot === null || branch === null || (!made.folder && !made.branch)) {
    return { folderGone: true, branchGone: true, problems: [] }
  }
  const parentDir = worktreeParent({
    parentDir: rowStrategy(row).worktreeParentDir ?? null, dataDir: deps.dataDir, projectId: row.project_id, repoRoot, homeDir: deps.homeDir
  })
  try {
    const { commonDir } = await findOwnerRepository(deps.git, repoRoot)
    return await deps.locks.withLock({
      resource: `repository:${commonDir}`, mode: 'exclusive', purpose: `taking back the worktree of ${branch}`, waitMs: repositoryWaitMs
    }, async () => await undo(deps.git, { made, repoRoot, path, branch, baseSha: row.base_sha, parentDir }))
  } catch (error) {
    return { folderGone: !made.folder, branchGone: !made.branch, problems: [error instanceof Error ? error.message : String(error)] }
  }
}

async function provisionIfDue (deps: Deps, row: WorkspaceRow, options: RealizeOptions): Promise<WorkspaceRow> {
  const path = row.realized_path ?? row.provider_ref ?? ''
  if (!await deps.provisioner.isDue(row, path)) return row
  const context = await loadCommandContext(deps.db, row, { created: row.provision_fingerprint === null, ...options })
  const fingerprint = await deps.provisioner.run(row, path, context, { runId: options.runId ?? null, signal: options.signal })
  return await update(deps, row.id, { provision_fingerprint: fingerprint })
}

/** The worktree's folder: what this service recorded, else what a client did. */
function folderOf (row: WorkspaceRow): string {
  const path = row.realized_path ?? row.provider_ref
  if (path === null) throw new NoLocalPath('The workspace has no local path.')
  return path
}

async function isReady (deps: Deps, row: WorkspaceRow): Promise<boolean> {
  if (row.strategy_type !== 'git_worktree') return row.cwd !== null && await isDirectory(row.cwd)
  const path = folderOf(row)
  return await deps.standing.stands(path) && !await deps.provisioner.isDue(row, path)
}

async function makeReady (deps: Deps, row: WorkspaceRow, options: RealizeOptions): Promise<WorkspaceRow> {
  try {
    const path = folderOf(row)
    const standing = await worktreeStands(path) ? row : await reattachWorktree(deps, row, path, options.runId ?? null)
    return await provisionIfDue(deps, standing, options)
  } catch (error) {
    throw asProblem(error)
  }
}

async function requireFolder (row: WorkspaceRow): Promise<WorkspaceRow> {
  if (row.cwd === null) throw new NoLocalPath('The workspace has no local path.')
  if (!await isDirectory(row.cwd)) throw new NoLocalPath(`The folder ${row.cwd} of this workspace is not there.`)
  return row
}
