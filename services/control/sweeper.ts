/** The sweeper: archives what its rules want closed, tries failed clean-ups again, drops rescue snapshots past their time. */
import { findProjectPolicy, storeRescue } from '../../db/archival.ts'
import type { Db } from '../../db/client.ts'
import { sumDiskUse } from '../../db/disk-use.ts'
import { findWorkspace } from '../../db/execution-workspaces.ts'
import { listArchiveEnds, listExpiredRescues, listSweepable } from '../../db/sweep.ts'
import type { SweepItem, SweepReport, SweepRule } from '../../openapi/schemas/sweep.ts'
import { systemActor, type Actor } from '../access/actor.ts'
import { requireInstanceAdmin } from '../access/company-access.ts'
import { assess } from '../archive/close-readiness.ts'
import { gatherFacts, type GatherDeps } from '../archive/gather.ts'
import { readRescue, writeRescue } from '../archive/rescue-record.ts'
import { decideSweep, readCleanupPolicy, rescueExpiry, type CleanupPolicy, type FailedArchives, type SweepDecision } from '../archive/sweep-decision.ts'
import { changeStatus } from '../archive/transitions.ts'
import { isProblem } from '../errors.ts'
import { dropStoredFolders } from '../folders/stored-folder.ts'
import { dropRescueRef } from '../git/rescue.ts'
import { recordWorkspaceActivity } from '../operations/activity.ts'
import type { Locks } from '../operations/locks.ts'
import type { RecorderLog } from '../operations/recorder.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import type { ArchiveControl } from './archive.ts'
import { sweepStrayArchives, type StrayArchiveDeps } from './stray-archives.ts'
import { sweepStrays, type StraySweepDeps } from './stray-sweep.ts'

export interface SweeperDeps extends GatherDeps, StraySweepDeps, StrayArchiveDeps {
  hostId: string
  locks: Locks
  archive: ArchiveControl['archive']
  log: RecorderLog
}

export interface Sweeper {
  /**
   * One round over the workspaces of this host. What can't be done is skipped with its reason; nothing else ends the round.
   * @throws Unauthenticated (401), Forbidden (403) unless an instance admin (or the service itself) asks, WorkspaceBusy (409) while another round is under way
   */
  sweep (actor: Actor, options?: { dryRun?: boolean, signal?: AbortSignal }): Promise<SweepReport>
}

type Verdict = Pick<SweepItem, 'outcome' | 'reason'> & { operationId?: string }

/** Of the last archives, to count how many failed in a row; beyond it the pause does not grow. */
const endsLookedAt = 20

export function createSweeper (deps: SweeperDeps): Sweeper {
  const { db, hostId, now } = deps

  async function round (dryRun: boolean, signal = new AbortController().signal): Promise<SweepReport> {
    const startedAt = now()
    const items: SweepItem[] = []
    const look = async (ids: readonly string[], visit: (row: WorkspaceRow) => Promise<SweepItem | null>) => {
      // One after another: each may be a large worktree, and nobody waits for it.
      for (const id of ids) {
        if (signal.aborted) return
        const row = await findWorkspace(db, id)
        const item = row === undefined ? null : await visit(row)
        if (item !== null) items.push(item)
      }
    }
    await look(await listSweepable(db, hostId, startedAt), async row => await sweepOne(deps, row, dryRun))
    await look(await listExpiredRescues(db, hostId, startedAt), async row => await expireRescue(deps, row, dryRun))
    items.push(...await sweepStrays(deps, { dryRun, signal }), ...await sweepStrayArchives(deps, { dryRun, signal }))
    return { dryRun, startedAt: startedAt.toISOString(), finishedAt: now().toISOString(), diskBytes: await sumDiskUse(db, hostId), items }
  }

  return {
    async sweep (actor, { dryRun = false, signal } = {}) {
      requireInstanceAdmin(actor)
      if (dryRun) return await round(true, signal)
      return await deps.locks.withLock({ resource: `sweep:${hostId}`, mode: 'exclusive', purpose: 'a round of the sweeper', waitMs: 0 }, async () => await round(false, signal))
    }
  }
}

/** The rule that speaks of a workspace, with what it needs looked up. */
export async function sweepRuleOf (db: Db, row: WorkspaceRow): Promise<{ policy: CleanupPolicy, decision: SweepDecision | null }> {
  const policy = readCleanupPolicy((await findProjectPolicy(db, row.project_id))?.cleanupPolicy)
  return { policy, decision: decideSweep(row, policy, row.status === 'cleanup_failed' ? await failuresOf(db, row.id) : { count: 0, lastAt: null }) }
}

async function failuresOf (db: Db, workspaceId: string): Promise<FailedArchives> {
  const ends = await listArchiveEnds(db, workspaceId, endsLookedAt)
  const success = ends.findIndex(({ status }) => status === 'succeeded')
  return { count: success === -1 ? ends.length : success, lastAt: ends[0]?.finished_at ?? null }
}

async function sweepOne (deps: SweeperDeps, row: WorkspaceRow, dryRun: boolean): Promise<SweepItem | null> {
  const { decision } = await sweepRuleOf(deps.db, row)
  if (decision === null) return null
  const verdict = await judge(deps, row, decision, dryRun)
  if (!dryRun && verdict.outcome === 'skipped') await noteSkip(deps, row, verdict.reason)
  return toItem(row, decision.rule, verdict)
}

async function judge (deps: SweeperDeps, row: WorkspaceRow, { rule, at, reason }: SweepDecision, dryRun: boolean): Promise<Verdict> {
  if (at > deps.now()) return { outcome: 'skipped', reason: `${reason} Not before ${at.toISOString()}.` }
  // Looked at without its lock first: what is blocked, round after round, is left in peace.
  const facts = await gatherFacts(deps, row)
  const readiness = assess(facts)
  if (readiness.state === 'blocked') return { outcome: 'skipped', reason: readiness.blockingReasons.join(' ') }
  // A date was set by somebody who meant it; idle is only a guess, and what runs speaks against it.
  if (rule === 'archive_idle' && facts.stopping.length > 0) return { outcome: 'skipped', reason: `It is not idle: ${facts.stopping.map(service => service.serviceName).join(', ')} still ${facts.stopping.length === 1 ? 'runs' : 'run'}.` }
  if (dryRun) return { outcome: 'would_archive', reason }
  try {
    const { workspace, operation } = await deps.archive(systemActor, row.id)
    const failed = workspace.status === 'cleanup_failed'
    return { outcome: failed ? 'cleanup_failed' : 'archived', reason: failed ? workspace.cleanupReason ?? reason : reason, operationId: operation.id }
  } catch (error) {
    return skippedBy(deps, row, error)
  }
}

function skippedBy ({ log }: SweeperDeps, row: WorkspaceRow, error: unknown): Verdict {
  if (isProblem(error) && error.statusCode < 500) return { outcome: 'skipped', reason: error.detail }
  log.warn({ err: error, workspaceId: row.id }, 'the sweeper could not finish with a workspace')
  return { outcome: 'skipped', reason: 'It failed; the log of the service says why.' }
}

/** Says in the row why it is still there, once for each reason. */
async function noteSkip ({ db, now }: SweeperDeps, row: WorkspaceRow, reason: string): Promise<void> {
  const current = await findWorkspace(db, row.id)
  if (current === undefined || current.status !== row.status || current.status === 'cleanup_failed') return
  const note = `Not archived by itself: ${reason}`
  if (current.cleanup_reason === note) return
  await changeStatus({ db, row: current, actor: systemActor, now: now(), from: [current.status], patch: { cleanup_reason: note }, action: 'updated' })
}

async function expireRescue (deps: SweeperDeps, row: WorkspaceRow, dryRun: boolean): Promise<SweepItem | null> {
  const { policy } = await sweepRuleOf(deps.db, row)
  const expiry = rescueExpiry(row, policy)
  if (expiry === null || expiry > deps.now()) return null
  const reason = `Its project keeps rescue snapshots for ${policy.retainRescueDays} days, which were over at ${expiry.toISOString()}.`
  if (dryRun) return toItem(row, 'retain_rescue_days', { outcome: 'would_drop_rescue', reason })
  try {
    const dropped = await deps.locks.withLock({ resource: `workspace:${row.id}`, mode: 'exclusive', purpose: 'dropping its rescue snapshot', waitMs: 0 }, async () => await dropRescue(deps, row.id))
    return dropped ? toItem(row, 'retain_rescue_days', { outcome: 'rescue_dropped', reason }) : null
  } catch (error) {
    return toItem(row, 'retain_rescue_days', skippedBy(deps, row, error))
  }
}

/** The refs and archives first: a crash in between leaves a row that speaks of a snapshot that is gone, and the next round mends it. */
async function dropRescue ({ db, git, dataDir }: SweeperDeps, id: string): Promise<boolean> {
  const row = await findWorkspace(db, id)
  if (row === undefined || row.status !== 'archived') return false
  const record = readRescue(row)
  const refs = [record.snapshot, record.last].flatMap(snapshot => snapshot?.ref ?? [])
  const all = new Set([...refs, ...record.earlierRefs])
  for (const ref of all) if (row.repo_root !== null) await dropRescueRef(git, row.repo_root, ref)
  await dropStoredFolders(dataDir, id)
  await db.transaction().execute(async trx => {
    await storeRescue(trx, id, writeRescue({ ...record, snapshot: null, last: null, earlierRefs: [], folder: null, earlierFolders: [] }))
    await recordWorkspaceActivity(trx, row, { actor: systemActor, action: 'rescue_dropped', details: { ref: record.snapshot?.ref ?? null, archive: record.folder?.name ?? null } })
  })
  return true
}

function toItem (row: WorkspaceRow, rule: SweepRule, { outcome, reason, operationId }: Verdict): SweepItem {
  return { workspaceId: row.id, companyId: row.company_id, path: null, name: row.name, rule, outcome, reason, operationId: operationId ?? null }
}
