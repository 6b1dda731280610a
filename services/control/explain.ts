/** Explains a workspace to those who may see it: gathers what is known of it, and lets the rules speak. */
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { listLiveLeases } from '../../db/run-leases.ts'
import { listLocksOn } from '../../db/workspace-locks.ts'
import { listUnfinishedOfWorkspace } from '../../db/workspace-operations.ts'
import type { WorkspaceExplanation } from '../../openapi/schemas/explain.ts'
import type { Actor } from '../access/actor.ts'
import { requireVisible } from '../access/company-access.ts'
import { explain } from '../archive/explain.ts'
import { gatherFacts, type GatherDeps } from '../archive/gather.ts'
import { keepsSomething, readRescue } from '../archive/rescue-record.ts'
import { rescueExpiry } from '../archive/sweep-decision.ts'
import { sweepRuleOf } from './sweeper.ts'

/** A page for people: whoever has more runs than this on one workspace looks at the list of leases. */
const shownLeases = 100

/** @throws NotFound (404) for what the actor may not see */
export async function explainWorkspace (deps: GatherDeps, actor: Actor, id: string): Promise<WorkspaceExplanation> {
  const { db, now } = deps
  const row = requireVisible(actor, await findWorkspace(db, id))
  const [close, leases, locks, operations, { policy, decision }] = await Promise.all([
    gatherFacts(deps, row),
    listLiveLeases(db, id, now(), { limit: shownLeases, after: null }),
    listLocksOn(db, `workspace:${id}`),
    listUnfinishedOfWorkspace(db, id),
    sweepRuleOf(db, row)
  ])
  const hasRescue = keepsSomething(readRescue(row))
  return explain({ row, close, leases, locks, operations, decision, rescueExpiry: hasRescue ? rescueExpiry(row, policy) : null })
}
