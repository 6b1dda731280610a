/** The strategy stored with a workspace: what its files are made by, now and when they have to be made again. */
import type { WorkspaceStrategy } from '../../openapi/schemas/directory.ts'
import type { ResolvedStrategy } from './policy.ts'
import { rowConfig, type WorkspaceRow } from './shape.ts'

/** A resolved strategy and what the request allowed beyond it. */
export type StoredStrategy = ResolvedStrategy & {
  /** A recorded branch that is gone may be made anew from the base. */
  createMissingBranch?: boolean
}

/** The strategy of a row; written by this service from a checked `WorkspaceStrategy`, never by a client. */
export function rowStrategy (row: Pick<WorkspaceRow, 'strategy' | 'strategy_type'>): StoredStrategy {
  return { ...(row.strategy as WorkspaceStrategy | null), type: row.strategy_type }
}

/** The provision command that counts: the workspace's own, else the strategy's. */
export function provisionCommandOf (row: Pick<WorkspaceRow, 'config' | 'strategy' | 'strategy_type'>): string | null {
  return rowConfig(row)?.provisionCommand ?? rowStrategy(row).provisionCommand ?? null
}
