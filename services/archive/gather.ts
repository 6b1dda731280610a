/** Gathers the facts that closing a workspace is decided by: a fixed number of queries and one look at git. */
import { join, resolve } from 'node:path'
import type { Db } from '../../db/client.ts'
import { findProjectPolicy, findProjectWorkspaces, listFolderHolders, listLeaseRuns, listLinkedIssues, listProjectFolders, type FolderHolder } from '../../db/archival.ts'
import { listOtherUsers } from '../../db/service-uses.ts'
import { listUnfinishedOfWorkspace } from '../../db/workspace-operations.ts'
import type { Row } from '../../db/tables.ts'
import { terminalIssueStatuses, type ExecutionWorkspacePolicy } from '../../openapi/schemas/directory.ts'
import type { GitReadiness, LinkedIssue } from '../../openapi/schemas/readiness.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { Git } from '../git/exec.ts'
import { inspectWorktree, type GitInspection } from '../git/inspect.ts'
import { readEntryLink } from '../git/worktree-link.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import { rowConfig, type WorkspaceRow } from '../workspaces/shape.ts'
import { rowStrategy } from '../workspaces/strategy.ts'
import type { CloseCommand, CloseFacts, UnfinishedWork } from './facts.ts'
import { mergeTargetOf } from './merge-target.ts'
import { mayRemove, type ProtectedPath, type RemovalVerdict } from './path-safety.ts'
import { decideRemoval } from './removal.ts'
import { listLeaving } from './leaving-services.ts'
import { lookAt } from './remove-folder.ts'

export interface GatherDeps {
  db: Db
  git: Git
  dataDir: string
  homeDir: string
  now: () => Date
  /** The current services of a workspace, as the workspace shows them. */
  servicesOf: (row: WorkspaceRow) => Promise<RuntimeService[]>
}

/** The facts, and what the steps of an archive need beyond them. */
export interface GatheredFacts extends CloseFacts {
  row: WorkspaceRow
  projectWorkspace: Row<'project_workspaces'> | null
}

/** Where the files of a workspace are: where it was made, else where it says it is. Null without a local path. */
export function workspacePathOf (row: WorkspaceRow): string | null {
  if (row.realized_path !== null) return row.realized_path
  return row.provider_type === 'git_worktree' ? row.provider_ref ?? row.cwd : row.cwd
}

/** Gathers everything; throws only when the database does. */
export async function gatherFacts (deps: GatherDeps, row: WorkspaceRow): Promise<GatheredFacts> {
  const { db, now } = deps
  // git first: it takes longest, and runs while the queries are made.
  const [inspection, isLocked, workspaces, policy, issues, leaseRunIds, operations, services, live, { holders, verdict }] = await Promise.all([
    inspect(deps.git, row),
    isLockedWorktree(row),
    findProjectWorkspaces(db, row),
    findProjectPolicy(db, row.project_id),
    listLinkedIssues(db, row),
    listLeaseRuns(db, row.id, now()),
    listUnfinishedOfWorkspace(db, row.id),
    deps.servicesOf(row),
    splitLive(db, row),
    judge(deps, row)
  ])
  const projectWorkspace = workspaces.find(one => one.id === row.project_workspace_id) ?? null
  const primary = workspaces.find(one => one.is_primary) ?? null
  const sharedWith = holders.filter(holder => holder.realized_path === row.realized_path).map(holder => holder.name)
  const removal = decideRemoval({ row, verdict, sharedWith, inspection, isLocked, childUser: deps.git.user?.name ?? null })
  return {
    row,
    projectWorkspace,
    isProjectPrimaryWorkspace: isAt(workspacePathOf(row), primary?.cwd ?? null),
    linkedIssues: issues.map((issue): LinkedIssue => ({ ...issue, isTerminal: terminalIssueStatuses.some(status => status === issue.status) })),
    leaseRunIds,
    ...splitWork(operations),
    disk: row.disk_bytes === null || row.disk_measured_at === null ? null : { bytes: Number(row.disk_bytes), measuredAt: row.disk_measured_at },
    services,
    ...live,
    git: inspection === null ? null : toGitReadiness(row, inspection),
    keptIgnoredCount: countKeptIgnored(inspection),
    problems: inspection?.problems ?? [],
    removal,
    // Somebody else still works in a shared folder: its last workspace runs the commands.
    commands: sharedWith.length > 0 ? [] : closeCommands(row, projectWorkspace, policy)
  }
}

/** Who else has the folder, and whether it may be removed. */
async function judge (deps: GatherDeps, row: WorkspaceRow): Promise<{ holders: FolderHolder[], verdict: RemovalVerdict }> {
  const holders = row.created_by_runtime && row.realized_path !== null ? await listFolderHolders(deps.db, row.realized_path, row.id) : []
  return { holders, verdict: await judgeRemoval(deps, row, { holders }) }
}

/** The live services the workspace lets go of: what stops with it, and what goes on because others use it too. */
async function splitLive (db: Db, row: WorkspaceRow): Promise<Pick<CloseFacts, 'stopping' | 'handedOver'>> {
  const live = (await listLeaving(db, row)).map(toRuntimeService)
  const users = await listOtherUsers(db, live.flatMap(({ reuseKey }) => reuseKey ?? []), { kind: 'execution', id: row.id })
  const isUsed = ({ reuseKey }: RuntimeService) => users.some(user => user.reuseKey === reuseKey)
  return { stopping: live.filter(service => !isUsed(service)), handedOver: live.filter(isUsed) }
}

/** Jobs apart from the rest; an archive or a restore is not work that it would have to wait for. */
export function splitWork (operations: readonly Row<'workspace_operations'>[]): Pick<CloseFacts, 'jobs' | 'underWay'> {
  const others = operations.filter(({ metadata }) => metadata?.action !== 'archive' && metadata?.action !== 'restore')
  const isJob = ({ metadata }: Row<'workspace_operations'>) => metadata?.action === 'run' && metadata.workspaceCommandKind === 'job'
  const toWork = ({ id, metadata, command, phase, status }: Row<'workspace_operations'>): UnfinishedWork =>
    ({ id, name: typeof metadata?.workspaceCommandName === 'string' ? metadata.workspaceCommandName : command ?? phase, status })
  return { jobs: others.filter(isJob).map(toWork), underWay: others.filter(one => !isJob(one)).map(toWork) }
}

function isAt (path: string | null, cwd: string | null): boolean {
  return path !== null && cwd !== null && resolve(path) === resolve(cwd)
}

function toGitReadiness (row: WorkspaceRow, inspection: GitInspection): GitReadiness {
  const { isReadable, pathExists, problems, hindrances, rescue, ...git } = inspection
  return { ...git, baseRef: git.baseRef?.replace(/^refs\/heads\//, '') ?? row.base_ref, createdByRuntime: row.created_by_runtime, rescue: rescue === null ? null : { ...rescue } }
}

/** Ignored files that the snapshot takes along; one in a folder that is ignored as a whole is no entry of its own. */
function countKeptIgnored (inspection: GitInspection | null): number {
  if (inspection === null) return 0
  const kept = new Set(inspection.rescue?.files.filter(({ status }) => status === 'ignored').map(({ path }) => path))
  return inspection.ignoredEntries.filter(name => kept.has(name)).length
}

/** The look at git; null where nothing points at git, or there is no local path to look at. */
async function inspect (git: Git, row: WorkspaceRow): Promise<GitInspection | null> {
  const path = workspacePathOf(row)
  if (path === null) return null
  const hinted = row.provider_type === 'git_worktree' || [row.repo_root, row.repo_url, row.base_ref, row.branch_name].some(hint => hint !== null)
  if (!hinted && await lookAt(join(path, '.git')).catch(() => null) === null) return null
  const { rescueIgnored } = rowStrategy(row)
  return await inspectWorktree(git, {
    path,
    repoRoot: row.repo_root,
    baseRef: mergeTargetOf(row),
    branchName: row.branch_name,
    ...(rescueIgnored === undefined ? {} : { rescueIgnored })
  })
}

async function isLockedWorktree (row: WorkspaceRow): Promise<boolean> {
  return row.provider_type === 'git_worktree' && row.realized_path !== null && await isLocked(row.realized_path)
}

/** Whether the worktree at `path` is locked. Read from git's own files, which spares a process: `.git` names the entry, and a lock is a file in it. */
export async function isLocked (path: string): Promise<boolean> {
  try {
    const entry = await readEntryLink(path)
    return entry !== null && await lookAt(join(entry, 'locked')) !== null
  } catch {
    // No worktree here, or not readable: the inspection says so, and removal asks git itself once more.
    return false
  }
}

/** The commands of an archive: the workspace's cleanup, the project workspace's cleanup, the teardown. */
export function closeCommands (
  row: Pick<WorkspaceRow, 'config' | 'strategy' | 'strategy_type'>,
  projectWorkspace: Pick<Row<'project_workspaces'>, 'cleanup_command'> | null,
  policy: ExecutionWorkspacePolicy | null
): CloseCommand[] {
  const config = rowConfig(row)
  const { teardownCommand: ofStrategy = policy?.workspaceStrategy?.teardownCommand ?? null } = rowStrategy(row)
  const all: (Omit<CloseCommand, 'command'> & { command: string | null })[] = [
    { kind: 'cleanup_command', source: 'execution_workspace', command: config?.cleanupCommand ?? null },
    { kind: 'cleanup_command', source: 'project_workspace', command: projectWorkspace?.cleanup_command ?? null },
    config?.teardownCommand == null
      ? { kind: 'teardown_command', source: 'strategy', command: ofStrategy }
      : { kind: 'teardown_command', source: 'execution_workspace', command: config.teardownCommand }
  ]
  return all.flatMap(({ command, ...rest }) => command === null ? [] : [{ ...rest, command }])
}

/** What must stay whatever a row says. */
export async function protectedPaths (deps: Pick<GatherDeps, 'db' | 'homeDir'>, row: Pick<WorkspaceRow, 'realized_path' | 'repo_root'>, holders: readonly FolderHolder[]): Promise<ProtectedPath[]> {
  const folders = await listProjectFolders(deps.db)
  const paths: ProtectedPath[] = folders.map(path => ({ path, what: 'the folder of a project workspace' }))
  for (const holder of holders) {
    if (holder.realized_path !== null && holder.realized_path !== row.realized_path) {
      paths.push({ path: holder.realized_path, what: `the folder of the workspace ${holder.name}` })
    }
  }
  if (row.repo_root !== null) {
    paths.push({ path: row.repo_root, what: 'the repository root' })
    paths.push({ path: join(row.repo_root, '.git'), what: "the repository's git directory", insideToo: true })
  }
  paths.push({ path: deps.homeDir, what: 'the home folder' }, { path: process.cwd(), what: 'the folder this service runs in' })
  return paths
}

/**
 * Whether the workspace's folder may be removed now; with `aside`, the folder after it was renamed to that.
 * Reads what is protected anew, so call it right before removing.
 */
export async function judgeRemoval (deps: GatherDeps, row: WorkspaceRow, now: { aside?: string, holders?: readonly FolderHolder[] } = {}): Promise<RemovalVerdict> {
  const path = row.realized_path
  if (path === null || !row.created_by_runtime) return await mayRemove({ path, createdByRuntime: row.created_by_runtime, dataDir: deps.dataDir, protectedPaths: [] })
  const holders = now.holders ?? await listFolderHolders(deps.db, path, row.id)
  return await mayRemove({
    path: now.aside ?? path,
    ...(now.aside === undefined ? {} : { formerPath: path }),
    createdByRuntime: true,
    dataDir: deps.dataDir,
    protectedPaths: await protectedPaths(deps, row, holders)
  })
}
