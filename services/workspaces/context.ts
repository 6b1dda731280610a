/** What a command of a workspace is told about its surroundings: read once from the database. */
import type { Db } from '../../db/client.ts'
import type { BaseWorkspace } from '../../db/execution-workspaces.ts'
import type { Row } from '../../db/tables.ts'
import type { CommandContext } from '../process/environment.ts'
import type { WorkspaceRow } from './shape.ts'

export interface ContextOptions {
  /** The agent the command runs for; without it, who the source issue is assigned to. */
  agentId?: string | null
  /** True while the folder is being made for the first time. */
  created?: boolean
  /** The project workspace of an execution workspace, where it was read a moment ago; null where it has none. */
  base?: Base | null
}

/**
 * The command context of an execution workspace or of a project workspace (told apart by `strategy_type`).
 * One query for each kind of neighbour: project workspace, issue with its assignee.
 */
export async function loadCommandContext (db: Db, row: WorkspaceRow | BaseWorkspace, options: ContextOptions = {}): Promise<CommandContext> {
  return 'strategy_type' in row ? await ofWorkspace(db, row, options) : await ofProjectWorkspace(db, row, options)
}

async function ofProjectWorkspace (db: Db, row: BaseWorkspace, options: ContextOptions): Promise<CommandContext> {
  return {
    companyId: row.company_id,
    projectId: row.project_id,
    projectWorkspaceId: row.id,
    workspace: {
      cwd: row.cwd,
      path: row.cwd,
      worktreePath: null,
      branchName: null,
      baseCwd: row.cwd,
      repoRoot: row.cwd,
      repoRef: row.repo_ref,
      repoUrl: row.repo_url,
      source: 'project_primary',
      created: options.created ?? false
    },
    issue: null,
    agent: await agentOf(db, row.company_id, options.agentId ?? null)
  }
}

async function ofWorkspace (db: Db, row: WorkspaceRow, options: ContextOptions): Promise<CommandContext> {
  const [base, issue] = await Promise.all([options.base === undefined ? baseOf(db, row) : options.base ?? noBase, issueOf(db, row)])
  return {
    companyId: row.company_id,
    projectId: row.project_id,
    projectWorkspaceId: row.project_workspace_id,
    workspace: placeOf(row, base, options.created ?? false),
    issue: issue === undefined ? null : { id: issue.id, identifier: issue.identifier, title: issue.title },
    agent: await agentOf(db, row.company_id, options.agentId ?? issue?.assignee_agent_id ?? null)
  }
}

type Base = Pick<BaseWorkspace, 'cwd' | 'repo_ref' | 'repo_url'>
const noBase: Base = { cwd: null, repo_ref: null, repo_url: null }

/** What is known of where the workspace is; its own word first, the project workspace's else. */
function placeOf (row: WorkspaceRow, base: Base, created: boolean): CommandContext['workspace'] {
  return {
    cwd: row.cwd,
    path: row.provider_ref ?? row.cwd,
    worktreePath: row.strategy_type === 'git_worktree' ? row.realized_path ?? row.provider_ref : null,
    branchName: row.branch_name,
    baseCwd: base.cwd,
    repoRoot: row.repo_root ?? base.cwd,
    repoRef: row.base_ref ?? base.repo_ref,
    repoUrl: row.repo_url ?? base.repo_url,
    source: row.strategy_type,
    created
  }
}

async function baseOf (db: Db, row: WorkspaceRow): Promise<Base> {
  if (row.project_workspace_id === null) return noBase
  return await db.selectFrom('project_workspaces').select(['cwd', 'repo_ref', 'repo_url'])
    .where('id', '=', row.project_workspace_id).executeTakeFirst() ?? noBase
}

async function issueOf (db: Db, row: WorkspaceRow): Promise<Pick<Row<'issues'>, 'id' | 'identifier' | 'title' | 'assignee_agent_id'> | undefined> {
  if (row.source_issue_id === null) return undefined
  return await db.selectFrom('issues').select(['id', 'identifier', 'title', 'assignee_agent_id'])
    .where('id', '=', row.source_issue_id).executeTakeFirst()
}

async function agentOf (db: Db, companyId: string, agentId: string | null): Promise<CommandContext['agent']> {
  if (agentId === null) return null
  const agent = await db.selectFrom('agents').select(['id', 'name'])
    .where('company_id', '=', companyId).where('id', '=', agentId).executeTakeFirst()
  return agent ?? null
}
