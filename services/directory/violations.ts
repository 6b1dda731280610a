/** What the database refuses, in words: references to what is not there, and deletions of what is still needed. */
import { constraintOf, isForeignKeyViolation } from '../../db/errors.ts'
import { absent } from '../access/company-access.ts'
import { InvalidReference, StillInUse, type Problem } from '../errors.ts'

/** Field of the body by the constraint that guards it. */
const fields: Record<string, { pointer: string, thing: string }> = {
  agents_company_id_reports_to_fkey: { pointer: '/reportsTo', thing: 'agent of this company' },
  issues_company_id_project_id_fkey: { pointer: '/projectId', thing: 'project of this company' },
  issues_company_id_project_workspace_id_fkey: { pointer: '/projectWorkspaceId', thing: 'project workspace of this company' },
  issues_company_id_assignee_agent_id_fkey: { pointer: '/assigneeAgentId', thing: 'agent of this company' },
  issues_execution_workspace_fkey: { pointer: '/executionWorkspaceId', thing: 'execution workspace of this company' }
}

export function invalidReference (pointer: string, thing: string, cause?: unknown): Problem {
  const message = `names no ${thing}`
  return new InvalidReference(`${pointer} ${message}.`, { cause, members: { errors: [{ pointer, message }] } })
}

/** The problem for a broken foreign key of a write; null for any other error. */
export function unknownReference (error: unknown): Error | null {
  if (!isForeignKeyViolation(error)) return null
  const field = fields[constraintOf(error) ?? '']
  // The others are the company or the project of the path.
  return field === undefined ? absent() : invalidReference(field.pointer, field.thing, error)
}

const words: Record<string, [one: string, many: string]> = {
  projects: ['project', 'projects'],
  projectWorkspaces: ['project workspace', 'project workspaces'],
  executionWorkspaces: ['execution workspace that is not archived', 'execution workspaces that are not archived'],
  runtimeServices: ['running service', 'running services'],
  operations: ['unfinished operation', 'unfinished operations'],
  agents: ['agent', 'agents'],
  reports: ['agent that reports to it', 'agents that report to it'],
  issues: ['open issue', 'open issues']
}

export const stillInUse = {
  /** @throws StillInUse (409) naming what and how many */
  throwIfHeld (holders: object): void {
    const held = Object.entries(holders as Record<string, number>).filter(([, count]) => count > 0)
    if (held.length === 0) return
    const named = held.map(([name, count]) => `${count} ${words[name]?.[count === 1 ? 0 : 1] ?? name}`)
    throw new StillInUse(`Still needed by ${named.join(', ')}.`, { members: { holders: Object.fromEntries(held) } })
  },
  /** Something began to depend on it meanwhile. */
  fromViolation (error: unknown): Problem | null {
    return isForeignKeyViolation(error) ? new StillInUse('Something began to depend on it just now.', { cause: error }) : null
  }
}
