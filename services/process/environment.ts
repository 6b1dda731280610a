/** The environment of a command: an allow-list of the host's, the command's own, its port, what it works on; the folder it runs in; what begins it. */
import { environmentFor, type ChildUser } from './child-user.ts'
import type { FolderRule } from './folder-rule.ts'
import { launchHere, type Launch } from './launch.ts'
import { markVariable } from './tree.ts'

/** What a command is run for; shown to it as variables. */
export interface CommandContext {
  companyId: string | null
  projectId: string | null
  projectWorkspaceId: string | null
  workspace: {
    cwd: string | null
    path: string | null
    worktreePath: string | null
    branchName: string | null
    /** The project workspace's own checkout. */
    baseCwd: string | null
    repoRoot: string | null
    repoRef: string | null
    repoUrl: string | null
    /** Where the files come from: the workspace's strategy type. */
    source: string | null
    /** The files were made new by the step this command belongs to. */
    created: boolean
  }
  issue: { id: string, identifier: string | null, title: string | null } | null
  agent: { id: string, name: string | null } | null
}

export interface EnvironmentBuilderDeps {
  /** This process's environment. */
  hostEnv: Readonly<Record<string, string | undefined>>
  /** Further names to pass on; a trailing `*` stands for any ending. */
  commandEnvNames: readonly string[]
  /** Prefix of the variables that describe the workspace: `BERTH_`. */
  prefix: string
  /** Where commands may run; without it anywhere. */
  folderRule?: FolderRule
  /** What begins commands; this process itself unless given. */
  launch?: Launch
  /** Whom commands run as; null or absent: as this process. */
  user?: ChildUser | null
}

export interface EnvironmentInput {
  context: CommandContext
  /** The command's own variables, rendered. */
  own?: Readonly<Record<string, string>> | undefined
  port?: { key: string, value: number } | null | undefined
  /** Unique for this start: by it everything that was started is found again. */
  mark: string
}

export interface EnvironmentBuilder {
  /** Whom the commands are to be run as, with that environment; null: as this process. */
  readonly user: ChildUser | null
  /** The whole environment of one command. What is unknown is an empty string, so that `set -u` scripts work. */
  build (input: EnvironmentInput): Record<string, string>
  /** To be asked just before a command is started in `cwd`. @throws PathNotAllowed (422) */
  requireFolder (cwd: string, context: CommandContext): Promise<void>
  /** What commands are begun by. */
  readonly launch: Launch
}

const alwaysPassedOn = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_*', 'TZ', 'TERM', 'TMPDIR']
/** This service's own settings, secrets among them: never passed on, even when asked for. */
const neverPassedOn = ['DATABASE_URL', 'BERTH_*']
const fallbackPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export function createEnvironmentBuilder ({ hostEnv, commandEnvNames, prefix, folderRule, launch = launchHere, user = null }: EnvironmentBuilderDeps): EnvironmentBuilder {
  const inherited = passedOn(environmentFor(user, hostEnv), [...alwaysPassedOn, ...commandEnvNames])
  return {
    user,
    build: ({ context, own, port, mark }) => ({
      ...inherited,
      ...own,
      ...(port ? { [port.key]: String(port.value) } : {}),
      ...described(context, prefix),
      [markVariable]: mark
    }),
    requireFolder: async (cwd, context) => await folderRule?.(cwd, context.workspace.worktreePath),
    launch
  }
}

function passedOn (hostEnv: EnvironmentBuilderDeps['hostEnv'], names: readonly string[]): Record<string, string> {
  const env: Record<string, string> = { PATH: fallbackPath }
  for (const [name, value] of Object.entries(hostEnv)) {
    if (value !== undefined && matches(name, names) && !matches(name, neverPassedOn)) env[name] = value
  }
  return env
}

function matches (name: string, patterns: readonly string[]): boolean {
  return patterns.some(pattern => pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)
}

function described (context: CommandContext, prefix: string): Record<string, string> {
  const { workspace, issue, agent } = context
  const facts: Record<string, string | null | undefined> = {
    WORKSPACE_CWD: workspace.cwd,
    WORKSPACE_PATH: workspace.path,
    WORKSPACE_WORKTREE_PATH: workspace.worktreePath,
    WORKSPACE_BRANCH: workspace.branchName,
    WORKSPACE_BASE_CWD: workspace.baseCwd,
    WORKSPACE_REPO_ROOT: workspace.repoRoot,
    WORKSPACE_REPO_REF: workspace.repoRef,
    WORKSPACE_REPO_URL: workspace.repoUrl,
    WORKSPACE_SOURCE: workspace.source,
    WORKSPACE_CREATED: String(workspace.created),
    PROJECT_ID: context.projectId,
    PROJECT_WORKSPACE_ID: context.projectWorkspaceId,
    AGENT_ID: agent?.id,
    AGENT_NAME: agent?.name,
    COMPANY_ID: context.companyId,
    ISSUE_ID: issue?.id,
    ISSUE_IDENTIFIER: issue?.identifier,
    ISSUE_TITLE: issue?.title
  }
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [prefix + name, value ?? '']))
}
