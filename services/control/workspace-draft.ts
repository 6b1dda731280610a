/** Decides everything about a new workspace before its row is written, so that what is impossible leaves nothing behind. */
import { randomUUID } from 'node:crypto'
import type { NewRow } from '../../db/tables.ts'
import { maxNameLength } from '../../openapi/schemas/kit.ts'
import type { CreateWorkspaceBody } from '../../openapi/schemas/workspace.ts'
import type { WorkspaceConfig, WorkspaceConfigPatch } from '../../openapi/schemas/workspace-config.ts'
import type { Git } from '../git/exec.ts'
import { resolveBase, validBranchName, type OwnerRepository, type ResolvedBase } from '../git/worktrees.ts'
import { BaseRefNotFound, BranchNameInvalid, InvalidReference, NoLocalPath, PathNotAllowed } from '../errors.ts'
import { checkRuntimeConfig } from '../runtime/config.ts'
import { withProblems } from '../workspaces/as-problem.ts'
import { nameBranch } from '../workspaces/branch.ts'
import { clientMetadata, normalizeConfig, patchConfig } from '../workspaces/config.ts'
import { configInMetadata } from '../workspaces/config-input.ts'
import { isDirectory } from '../workspaces/local-paths.ts'
import { effectiveIssueSettings, providerOf, resolveMode, resolveStrategy, type Wishes } from '../workspaces/policy.ts'
import type { StoredStrategy } from '../workspaces/strategy.ts'
import { ownerOf, whyNotWritable, type WorktreePlanner } from '../workspaces/worktree-plan.ts'
import type { WorkspacePlace } from './workspace-place.ts'

export interface DraftDeps {
  git: Git
  planner: WorktreePlanner
  hostId: string
  now: () => Date
}

type Draft = NewRow<'execution_workspaces'>

export interface WorkspaceDraft {
  row: Draft
  /** The repository a worktree will be added to; null where none will. */
  owner: OwnerRepository | null
}

type Placed = { columns: Partial<Draft>, owner: OwnerRepository | null }

/**
 * The row of a new workspace: `provisioning` where files have to be made, else `active`. Reads the repository,
 * changes nothing but remote-tracking refs (a named base that is not known yet is fetched).
 * @throws problems of status 409 and 422 for whatever can be seen to fail
 */
export async function draftWorkspace (deps: DraftDeps, body: CreateWorkspaceBody, place: WorkspacePlace): Promise<WorkspaceDraft> {
  const wishes: Wishes = { requested: body, issue: place.issue?.execution_workspace_settings ?? null, policy: place.project.execution_workspace_policy }
  const mode = resolveMode(wishes)
  const strategy: StoredStrategy = {
    ...resolveStrategy(mode, wishes),
    ...(body.createMissingBranch === true ? { createMissingBranch: true } : {})
  }
  const config = configOf(body, effectiveIssueSettings(wishes)?.workspaceRuntime ?? null)
  const at = deps.now()
  const draft: Draft = {
    id: randomUUID(),
    company_id: place.project.company_id,
    project_id: place.project.id,
    ...referencesOf(place),
    mode,
    strategy_type: strategy.type,
    provider_type: providerOf(strategy.type),
    name: body.name ?? '',
    status: 'active',
    strategy: JSON.stringify(strategy),
    config: jsonOrNull(config),
    metadata: jsonOrNull(clientMetadata(body.metadata ?? null)),
    last_used_at: at,
    opened_at: at,
    created_at: at,
    updated_at: at
  }
  const { columns, owner } = await placeOf(deps, draft, { body, place, strategy })
  const row = { ...draft, ...columns }
  return { row: { ...row, name: body.name ?? nameOf(place, row) }, owner }
}

function referencesOf ({ projectWorkspace, issue }: WorkspacePlace): Partial<Draft> {
  return {
    project_workspace_id: projectWorkspace?.id ?? null,
    source_issue_id: issue?.id ?? null,
    repo_url: projectWorkspace?.repo_url ?? null
  }
}

function jsonOrNull (value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

interface Decided {
  body: CreateWorkspaceBody
  place: WorkspacePlace
  strategy: StoredStrategy
}

async function placeOf (deps: DraftDeps, draft: Draft, decided: Decided): Promise<Placed> {
  switch (decided.strategy.type) {
    case 'project_primary': return await inCheckout(deps, decided)
    case 'git_worktree': return await inWorktree(deps, draft, decided)
    // Somebody else's place: it is told by a PATCH once it is there.
    default: return { columns: {}, owner: null }
  }
}

/** Shared work happens in the project workspace's own folder. */
async function inCheckout ({ git, hostId }: DraftDeps, { place }: Decided): Promise<Placed> {
  const { cwd, repoRef } = checkoutOf(place)
  if (!await isDirectory(cwd)) throw new NoLocalPath(`The project workspace's folder ${cwd} is not there.`)
  const problem = git.user === null ? null : await whyNotWritable(git, cwd)
  if (problem !== null) throw new PathNotAllowed(`The project workspace's folder can not be worked in: ${problem}.`)
  return { columns: { cwd, host_id: hostId, base_ref: repoRef }, owner: null }
}

/** Isolated work gets a worktree; here only its place, branch and base are decided. */
async function inWorktree ({ git, planner, hostId }: DraftDeps, draft: Draft, { body, place, strategy }: Decided): Promise<Placed> {
  const { cwd: checkout, repoRef } = checkoutOf(place)
  const { issue, agent, project } = place
  const branch = nameBranch({
    template: strategy.branchTemplate, workspaceId: draft.id, name: body.name ?? null, projectId: project.id, repoRef, issue, agent
  })
  return await withProblems(async () => {
    const owner = await ownerOf(git, checkout)
    const wish = { companyId: project.company_id, projectId: project.id, workspaceId: null, checkout, branch, strategy, reuse: body.reuse === true, owner }
    const [valid, base, plan] = await Promise.all([
      validBranchName(git, branch), knownBase(git, { repoRoot: owner.root, baseRef: strategy.baseRef ?? null, repoRef }), planner.plan(wish)
    ])
    if (!valid) throw new BranchNameInvalid(`git does not take ${branch} as a branch name.`)
    return {
      owner,
      columns: {
        status: 'provisioning',
        host_id: hostId,
        branch_name: branch,
        base_ref: base?.ref ?? null,
        base_sha: base?.sha ?? null,
        base_branch: base?.branch ?? null,
        repo_root: owner.root,
        realized_path: plan.path,
        shares_worktree: body.reuse === true
      }
    }
  })
}

/** A named base as it is known here; one that is not known may still be on the remote. What nobody named is always there. */
async function knownBase (git: Git, input: { repoRoot: string, baseRef: string | null, repoRef: string | null }): Promise<ResolvedBase | null> {
  if (input.baseRef === null && input.repoRef === null) return null
  try {
    return await resolveBase(git, { ...input, fetch: false })
  } catch (error) {
    if (!(error instanceof BaseRefNotFound)) throw error
    return await resolveBase(git, { ...input, fetch: true })
  }
}

function checkoutOf ({ projectWorkspace, project }: WorkspacePlace): { cwd: string, repoRef: string | null } {
  if (projectWorkspace === null) {
    throw new InvalidReference(`The project ${project.name} has no workspace to work from; register one with a cwd first.`, {
      members: { errors: [{ pointer: '/projectId', message: 'has no project workspace' }] }
    })
  }
  if (projectWorkspace.cwd === null) {
    throw new NoLocalPath(`The project workspace ${projectWorkspace.name} has no folder${projectWorkspace.repo_url === null ? '' : ', only a repoUrl, and cloning is not supported yet'}: give it a cwd.`)
  }
  return { cwd: projectWorkspace.cwd, repoRef: projectWorkspace.repo_ref }
}

/** The request's config; where it says nothing of the runtime, the issue's own runtime config. */
function configOf (body: CreateWorkspaceBody, issueRuntime: WorkspaceConfigPatch['workspaceRuntime']): WorkspaceConfig | null {
  const inMetadata = configInMetadata(body.metadata)
  checkRuntimeConfig(inMetadata?.workspaceRuntime, '/metadata/config/workspaceRuntime')
  checkRuntimeConfig(body.config?.workspaceRuntime, '/config/workspaceRuntime')
  const given = patchConfig(normalizeConfig(inMetadata ?? null), body.config ?? {})
  if (given?.workspaceRuntime != null || body.config?.workspaceRuntime === null) return given
  return normalizeConfig({ ...given, workspaceRuntime: issueRuntime ?? null })
}

/** What a workspace is called that was given no name: its issue, else its branch, else its project workspace. */
function nameOf ({ issue, projectWorkspace, project }: WorkspacePlace, draft: Draft): string {
  const ofIssue = issue === null ? '' : [issue.identifier, issue.title].filter(part => part !== null).join(' ').trim()
  const name = [ofIssue, draft.branch_name, projectWorkspace?.name, project.name].find(one => one != null && one !== '') ?? draft.id
  return Array.from(name).slice(0, maxNameLength).join('').trim()
}
