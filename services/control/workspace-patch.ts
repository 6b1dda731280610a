/** Turns the body of a PATCH into a change of the row: checks what has to be checked, never widens what may be deleted. */
import { isAbsolute, resolve } from 'node:path'
import type { WorkspacePatch } from '../../db/execution-workspaces.ts'
import type { UpdateWorkspaceBody } from '../../openapi/schemas/workspace.ts'
import { checkProjectPath, isWithin, type PathRules } from '../directory/paths.ts'
import { checkRepoUrl } from '../directory/repo-url.ts'
import type { Git } from '../git/exec.ts'
import { validBranchName } from '../git/worktrees.ts'
import { BranchNameInvalid, InvalidInput, Unprocessable } from '../errors.ts'
import { checkRuntimeConfig } from '../runtime/config.ts'
import { changedConfigKeys, clientMetadata, normalizeConfig, patchConfig } from '../workspaces/config.ts'
import { configInMetadata } from '../workspaces/config-input.ts'
import { isDirectory, realPathOf } from '../workspaces/local-paths.ts'
import { rowConfig, type WorkspaceRow } from '../workspaces/shape.ts'

export interface PatchDeps extends PathRules {
  git: Git
}

export interface PreparedPatch {
  patch: WorkspacePatch
  /** Fields that differ, for activity: names only. */
  changed: string[]
}

/**
 * Everything of a PATCH but the status, checked against the row as it is.
 * @throws InvalidInput (400), PathNotAllowed, BranchNameInvalid, InvalidRuntimeConfig, Unprocessable (422)
 */
export async function preparePatch (deps: PatchDeps, row: WorkspaceRow, body: UpdateWorkspaceBody): Promise<PreparedPatch> {
  const patch: WorkspacePatch = {
    ...plainFields(body),
    ...await pathFields(deps, row, body),
    ...await gitFields(deps, row, body)
  }
  const changed = Object.keys(patch).filter(key => differs(row, patch, key as keyof WorkspacePatch)).map(column => fieldOf[column] ?? column)
  return withConfig(row, body, { patch, changed: changed.filter(field => field !== '') })
}

const fieldOf: Record<string, string> = {
  repo_url: 'repoUrl',
  base_ref: 'baseRef',
  branch_name: 'branchName',
  provider_ref: 'providerRef',
  cleanup_eligible_at: 'cleanupEligibleAt',
  cleanup_reason: 'cleanupReason',
  // Follows from the branch's name; not a field of its own.
  branch_created_by_runtime: ''
}

function differs (row: WorkspaceRow, patch: WorkspacePatch, key: keyof WorkspacePatch): boolean {
  const [before, after] = [row[key], patch[key]]
  if (before instanceof Date && after instanceof Date) return before.getTime() !== after.getTime()
  return before !== after
}

function plainFields ({ name, cleanupEligibleAt, cleanupReason }: UpdateWorkspaceBody): WorkspacePatch {
  return {
    ...(name === undefined ? {} : { name }),
    ...(cleanupEligibleAt === undefined ? {} : { cleanup_eligible_at: cleanupEligibleAt === null ? null : timeOf(cleanupEligibleAt) }),
    ...(cleanupReason === undefined ? {} : { cleanup_reason: cleanupReason })
  }
}

function timeOf (text: string): Date {
  const time = new Date(text)
  // A leap second has the form of a time, but no place in a calendar of milliseconds; nor has the year 0 one in the database.
  if (!Number.isNaN(time.getTime()) && time.getUTCFullYear() >= 1) return time
  throw refuse(InvalidInput, '/cleanupEligibleAt', 'must be a time like 2026-01-31T12:00:00.000Z')
}

/** Paths decide where things run, never what may be removed: that is recorded apart. */
async function pathFields (deps: PatchDeps, row: WorkspaceRow, { cwd, providerRef, repoUrl }: UpdateWorkspaceBody): Promise<WorkspacePatch> {
  const patch: WorkspacePatch = {}
  if (cwd !== undefined) patch.cwd = cwd === null || cwd === row.cwd ? cwd : await checkFolder(deps, row, cwd, '/cwd')
  if (providerRef !== undefined) {
    const isPath = row.provider_type === 'git_worktree' || row.provider_type === 'local_fs'
    const kept = providerRef === null || providerRef === row.provider_ref || !isPath
    patch.provider_ref = kept ? providerRef : await checkFolder(deps, row, providerRef, '/providerRef')
  }
  if (repoUrl !== undefined) {
    if (repoUrl !== null && repoUrl !== row.repo_url) await checkRepository(deps, repoUrl)
    patch.repo_url = repoUrl
  }
  return patch
}

/** A folder of the workspace's own worktree is always right, also where that lies in the data dir. */
async function checkFolder (rules: PathRules, row: WorkspaceRow, path: string, pointer: string): Promise<string> {
  if (isAbsolute(path) && row.realized_path !== null) {
    const real = await realPathOf(path)
    if (isWithin(real, row.realized_path) && await isDirectory(real)) return real
  }
  return await checkProjectPath(path, rules, pointer)
}

/** A repository on this machine must lie where project workspaces may. */
async function checkRepository (rules: PathRules, repoUrl: string): Promise<void> {
  checkRepoUrl(repoUrl)
  const local = /^file:\/\/[^/]*(\/.*)$/i.exec(repoUrl)?.[1] ?? (repoUrl.startsWith('/') ? repoUrl : null)
  if (local !== null) await checkProjectPath(resolve(local), rules, '/repoUrl')
}

async function gitFields ({ git }: PatchDeps, row: WorkspaceRow, { baseRef, branchName }: UpdateWorkspaceBody): Promise<WorkspacePatch> {
  const patch: WorkspacePatch = {}
  if (baseRef !== undefined) {
    // eslint-disable-next-line no-control-regex -- control characters are what it is about
    if (baseRef !== null && /^-|[\x00-\x20\x7f]/.test(baseRef)) throw refuse(Unprocessable, '/baseRef', 'is no name git could take for a commit')
    patch.base_ref = baseRef
  }
  if (branchName !== undefined) {
    if (branchName !== null && branchName !== row.branch_name && !await validBranchName(git, branchName)) {
      throw refuse(BranchNameInvalid, '/branchName', 'is no branch name git takes')
    }
    patch.branch_name = branchName
    // Another branch is not the one this service made: it must not be deleted with the workspace.
    if (branchName !== row.branch_name) patch.branch_created_by_runtime = false
  }
  return patch
}

/** The config comes by itself or inside the metadata; both change one column. */
function withConfig (row: WorkspaceRow, body: UpdateWorkspaceBody, prepared: PreparedPatch): PreparedPatch {
  const inMetadata = configInMetadata(body.metadata)
  checkRuntimeConfig(inMetadata?.workspaceRuntime, '/metadata/config/workspaceRuntime')
  checkRuntimeConfig(body.config?.workspaceRuntime, '/config/workspaceRuntime')
  const patch = { ...prepared.patch }
  const changed = [...prepared.changed]
  if (body.metadata !== undefined) {
    const metadata = clientMetadata(body.metadata)
    if (JSON.stringify(metadata) !== JSON.stringify(row.metadata)) changed.push('metadata')
    patch.metadata = metadata === null ? null : JSON.stringify(metadata)
  }
  if (inMetadata !== undefined || body.config !== undefined) {
    const before = rowConfig(row)
    const base = inMetadata === undefined ? before : normalizeConfig(inMetadata)
    const after = body.config === undefined ? base : patchConfig(base, body.config)
    changed.push(...changedConfigKeys(before, after).map(key => `config.${key}`))
    patch.config = after === null ? null : JSON.stringify(after)
  }
  return { patch, changed }
}

function refuse (Kind: typeof Unprocessable, pointer: string, message: string): Error {
  return new Kind(`${pointer} ${message}.`, { members: { errors: [{ pointer, message }] } })
}
