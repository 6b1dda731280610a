/** Decides what kind of workspace a request asks for: mode, strategy, provider. Pure. */
import type { ExecutionWorkspacePolicy, IssueWorkspaceSettings, WorkspaceStrategy } from '../../openapi/schemas/directory.ts'
import type { ProviderType, StrategyType, WorkspaceMode } from '../../openapi/schemas/workspace.ts'
import type { WorkspaceConfig } from '../../openapi/schemas/workspace-config.ts'
import type { JsonObject } from '../../db/tables.ts'
import { Unprocessable } from '../errors.ts'

type NamedMode = NonNullable<IssueWorkspaceSettings['mode']> | NonNullable<ExecutionWorkspacePolicy['defaultMode']>

/** What asks for a workspace, the first the strongest. */
export interface Wishes {
  requested: { mode?: WorkspaceMode | undefined, workspaceStrategy?: WorkspaceStrategy | null | undefined }
  issue: IssueWorkspaceSettings | null
  policy: ExecutionWorkspacePolicy | null
}

/** A strategy with its type decided; stored with the workspace, restore and archive go by it. */
export type ResolvedStrategy = WorkspaceStrategy & { type: StrategyType }

const modeOf: Record<NamedMode, WorkspaceMode | null> = {
  shared_workspace: 'shared_workspace',
  isolated_workspace: 'isolated_workspace',
  operator_branch: 'operator_branch',
  adapter_managed: 'adapter_managed',
  cloud_sandbox: 'cloud_sandbox',
  // The adapter brings its own place to work in.
  adapter_default: 'adapter_managed',
  agent_default: 'adapter_managed',
  // The spellings of older clients.
  project_primary: 'shared_workspace',
  isolated: 'isolated_workspace',
  // Not modes: they leave the choice to what comes after.
  inherit: null,
  reuse_existing: null
}

/** The settings of an issue, or null where its project does not let issues decide. */
export function effectiveIssueSettings ({ issue, policy }: Pick<Wishes, 'issue' | 'policy'>): IssueWorkspaceSettings | null {
  return policy?.allowIssueOverride === false ? null : issue
}

/**
 * The mode: the request's, else the issue's explicit one (unless the policy forbids), else the default of
 * an enabled policy, else shared. A request that names the strategy `git_worktree` and no mode means isolated work.
 */
export function resolveMode (wishes: Wishes): WorkspaceMode {
  const { requested, policy } = wishes
  if (requested.mode !== undefined) return requested.mode
  if (requested.workspaceStrategy?.type !== undefined) return modeOfStrategy[requested.workspaceStrategy.type]
  const ofIssue = effectiveIssueSettings(wishes)?.mode
  const ofPolicy = policy?.enabled === true ? policy.defaultMode : undefined
  return (ofIssue && modeOf[ofIssue]) ?? (ofPolicy && modeOf[ofPolicy]) ?? 'shared_workspace'
}

const modeOfStrategy: Record<StrategyType, WorkspaceMode> = {
  project_primary: 'shared_workspace',
  git_worktree: 'isolated_workspace',
  adapter_managed: 'adapter_managed',
  cloud_sandbox: 'cloud_sandbox'
}

const strategyOfMode: Record<WorkspaceMode, StrategyType> = {
  shared_workspace: 'project_primary',
  isolated_workspace: 'git_worktree',
  operator_branch: 'git_worktree',
  adapter_managed: 'adapter_managed',
  cloud_sandbox: 'cloud_sandbox'
}

/**
 * The strategy for a mode, field by field from the request, the issue and the policy; a null clears what
 * comes after. Only isolated work takes its fields from the issue or the policy.
 * @throws Unprocessable (422) when the request's strategy contradicts its mode, so that isolated work never
 *   ends up in the shared checkout
 */
export function resolveStrategy (mode: WorkspaceMode, wishes: Wishes): ResolvedStrategy {
  const type = strategyOfMode[mode]
  const { requested, policy } = wishes
  if (requested.workspaceStrategy?.type !== undefined && requested.workspaceStrategy.type !== type) {
    const message = `is ${requested.workspaceStrategy.type}, but mode ${mode} goes with ${type}`
    throw new Unprocessable(`The strategy's type ${message}.`, { members: { errors: [{ pointer: '/workspaceStrategy/type', message }] } })
  }
  if (type !== 'git_worktree') return { ...requested.workspaceStrategy, type }
  const issue = effectiveIssueSettings(wishes)
  return { ...policy?.workspaceStrategy, ...issue?.workspaceStrategy, ...requested.workspaceStrategy, type }
}

/** What kind of place holds the files of a strategy. */
export function providerOf (type: StrategyType): ProviderType {
  return type === 'project_primary' ? 'local_fs' : type
}

export interface EffectiveRuntime {
  /** As it is stored; checked when it was written. */
  runtime: JsonObject
  source: 'execution_workspace' | 'project_workspace' | 'project_policy'
}

/**
 * The runtime config that counts: the workspace's own, else the project workspace's, else the policy's. An empty one of
 * the workspace's own counts: it means that there is nothing to run here. Null where no place has one.
 */
export function effectiveRuntime (
  config: Pick<WorkspaceConfig, 'workspaceRuntime'> | null,
  projectRuntime: JsonObject | null,
  policy: Pick<ExecutionWorkspacePolicy, 'workspaceRuntime'> | null
): EffectiveRuntime | null {
  if (config?.workspaceRuntime) return { runtime: config.workspaceRuntime, source: 'execution_workspace' }
  if (projectRuntime !== null) return { runtime: projectRuntime, source: 'project_workspace' }
  if (policy?.workspaceRuntime) return { runtime: policy.workspaceRuntime, source: 'project_policy' }
  return null
}
