/** What the last finished `worktree_prepare` of a workspace made. */
import { sql } from 'kysely'
import type { Db } from '../../db/client.ts'

export interface Preparation {
  /** The folder was made, not found. */
  created: boolean
  branchCreated: boolean
}

/** How the making of a workspace as a whole is recorded, for those who do not wait for it. */
export const wholeCreation = { phase: 'workspace_provision', metadata: { action: 'create' } } as const

/** The last preparation that succeeded, or null when none did. */
export async function lastPreparation (db: Db, workspaceId: string): Promise<Preparation | null> {
  const found = await db.selectFrom('workspace_operations').select('metadata')
    .where('execution_workspace_id', '=', workspaceId).where('phase', '=', 'worktree_prepare').where('status', '=', 'succeeded')
    .orderBy('seq', 'desc').limit(1).executeTakeFirst()
  if (found === undefined) return null
  return { created: found.metadata?.['created'] === true, branchCreated: found.metadata?.['branchCreated'] === true }
}

/** How often making the files of a workspace was cut off by the service's end; by its steps, not by what spans them. */
export async function interruptedPreparations (db: Db, workspaceId: string): Promise<number> {
  const { count } = await db.selectFrom('workspace_operations').select(eb => eb.fn.countAll<string>().as('count'))
    .where('execution_workspace_id', '=', workspaceId).where('status', '=', 'interrupted')
    .where(eb => eb.or([
      eb('phase', '=', 'worktree_prepare'),
      eb.and([eb('phase', '=', 'workspace_provision'), sql<boolean>`metadata->>'action' is distinct from ${wholeCreation.metadata.action}`])
    ])).executeTakeFirstOrThrow()
  return Number(count)
}
