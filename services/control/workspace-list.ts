/** Lists a company's workspaces: filters and cursor from the query, a page from the index, services joined at once. */
import type { Db } from '../../db/client.ts'
import { listWorkspaceSummaries, listWorkspaces, type WorkspaceFilter, type WorkspacePosition } from '../../db/execution-workspaces.ts'
import { decodeCursor, encodeCursor } from '../../db/page.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import { uuidPattern } from '../../openapi/schemas/kit.ts'
import { reusableStatuses, workspaceStatuses, type ExecutionWorkspace, type ListWorkspacesQuery, type WorkspaceStatus, type WorkspaceSummary } from '../../openapi/schemas/workspace.ts'
import { InvalidCursor, InvalidInput } from '../errors.ts'
import { toSummary } from '../workspaces/shape.ts'
import type { WorkspaceView } from './workspace-view.ts'

const defaultLimit = 100

/**
 * A page of a company's workspaces, the most recently used first; `summary` gives only four fields of each.
 * Access is the caller's to check.
 * @throws InvalidInput (400) for an unknown status, InvalidCursor (400)
 */
export async function listCompanyWorkspaces (
  { db, view }: { db: Db, view: WorkspaceView }, companyId: string, query: ListWorkspacesQuery
): Promise<Page<ExecutionWorkspace | WorkspaceSummary>> {
  const filter = filterOf(companyId, query)
  const limit = query.limit ?? defaultLimit
  const slice = { limit: limit + 1, after: query.cursor === undefined ? null : positionOf(query.cursor) }
  if (filter.statuses?.length === 0) return { items: [], nextCursor: null }
  if (query.summary === true) {
    const rows = await listWorkspaceSummaries(db, filter, slice)
    return { items: rows.slice(0, limit).map(toSummary), nextCursor: nextCursor(rows, limit) }
  }
  const rows = await listWorkspaces(db, filter, slice)
  return { items: await view.showAll(rows.slice(0, limit)), nextCursor: nextCursor(rows, limit) }
}

function filterOf (companyId: string, query: ListWorkspacesQuery): WorkspaceFilter {
  const { projectId, projectWorkspaceId, issueId, hostId, branchName, q } = query
  return { companyId, projectId, projectWorkspaceId, issueId, hostId, branchName, text: q, statuses: statusesOf(query) }
}

function statusesOf ({ status, reuseEligible }: ListWorkspacesQuery): WorkspaceStatus[] | undefined {
  const named = status === undefined ? undefined : [...new Set(status.split(',').map(parseStatus))]
  if (reuseEligible !== true) return named
  return named === undefined ? [...reusableStatuses] : named.filter(one => reusableStatuses.some(reusable => reusable === one))
}

function parseStatus (text: string): WorkspaceStatus {
  const found = workspaceStatuses.find(status => status === text.trim())
  if (found !== undefined) return found
  const message = `must be one or more of ${workspaceStatuses.join(', ')}, separated by commas`
  throw new InvalidInput(`#/query/status ${message}.`, { members: { errors: [{ pointer: '#/query/status', message }] } })
}

function nextCursor (rows: readonly { last_used_at: Date, created_at: Date, id: string }[], limit: number): string | null {
  const last = rows[limit - 1]
  return rows.length <= limit || last === undefined
    ? null
    : encodeCursor([last.last_used_at.toISOString(), last.created_at.toISOString(), last.id])
}

function positionOf (cursor: string): WorkspacePosition {
  const [lastUsedAt, createdAt, id] = decodeCursor(cursor, 3) ?? []
  const position = { lastUsedAt: timeOf(lastUsedAt), createdAt: timeOf(createdAt), id: typeof id === 'string' && uuid.test(id) ? id : null }
  if (position.lastUsedAt === null || position.createdAt === null || position.id === null) {
    throw new InvalidCursor('The cursor is not one this list gave; take it from the Link header of the page before.')
  }
  return { lastUsedAt: position.lastUsedAt, createdAt: position.createdAt, id: position.id }
}

const uuid = new RegExp(uuidPattern)

function timeOf (part: string | number | undefined): Date | null {
  if (typeof part !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(part)) return null
  const time = new Date(part)
  // PostgreSQL knows no year 0.
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1 ? null : time
}
