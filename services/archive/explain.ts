/** Why a workspace is as it is: who holds it, what runs, what happens next by itself, what closing would do. Pure. */
import type { LeaseRow } from '../../db/run-leases.ts'
import type { Row } from '../../db/tables.ts'
import type { WorkspaceActivityNow, WorkspaceExplanation, WorkspaceHolder, WorkspaceNextStep } from '../../openapi/schemas/explain.ts'
import { liveServiceStatuses, type RuntimeService } from '../../openapi/schemas/runtime.ts'
import { duePolicyAt } from '../runtime/stop-policy.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import { assess } from './close-readiness.ts'
import type { CloseFacts } from './facts.ts'
import type { SweepDecision } from './sweep-decision.ts'
import { counted, listed, numbered } from './words.ts'

export type ExplainedRow = Pick<WorkspaceRow, 'id' | 'status' | 'opened_at' | 'closed_at' | 'cleanup_reason' | 'last_used_at'>

export interface ExplainFacts {
  row: ExplainedRow
  close: CloseFacts
  /** Live ones. */
  leases: readonly Pick<LeaseRow, 'id' | 'run_id' | 'created_at' | 'expires_at'>[]
  /** Of the workspace itself, on any host. */
  locks: readonly Pick<Row<'workspace_locks'>, 'purpose' | 'operation_id' | 'acquired_at'>[]
  /** Those that have not ended. */
  operations: readonly Pick<Row<'workspace_operations'>, 'id' | 'phase' | 'command' | 'status' | 'started_at'>[]
  /** The rule that will archive it. */
  decision: SweepDecision | null
  /** When its rescue snapshot may go. */
  rescueExpiry: Date | null
}

/** Explains a workspace by its facts. */
export function explain (facts: ExplainFacts): WorkspaceExplanation {
  const readiness = assess(facts.close)
  const heldBy = holders(facts)
  const running = runningOf(facts)
  return {
    workspaceId: facts.row.id,
    status: facts.row.status,
    summary: summarise(facts, running),
    heldBy,
    running,
    next: nextSteps(facts, readiness.blockingReasons),
    closing: { state: readiness.state, blockingReasons: readiness.blockingReasons, ...fateOf(facts.close) }
  }
}

function holders ({ leases, locks, close }: ExplainFacts): WorkspaceHolder[] {
  return [
    ...leases.map(lease => ({
      kind: 'lease' as const, id: lease.id, description: `Run ${lease.run_id} holds it by a lease.`, since: lease.created_at.toISOString(), until: lease.expires_at.toISOString()
    })),
    ...locks.map(lock => ({ kind: 'lock' as const, id: lock.operation_id, description: `Under way: ${lock.purpose}.`, since: lock.acquired_at.toISOString(), until: null })),
    ...close.linkedIssues.filter(issue => !issue.isTerminal).map(issue => ({
      kind: 'issue' as const, id: issue.id, description: `The issue ${issue.identifier ?? `“${issue.title}”`} is ${issue.status} and worked on in it.`, since: null, until: null
    }))
  ]
}

const isLive = ({ status }: RuntimeService) => liveServiceStatuses.some(live => live === status)

function runningOf ({ close, operations }: ExplainFacts): WorkspaceActivityNow[] {
  return [
    ...close.services.filter(isLive).map(service => ({
      kind: 'service' as const, id: service.id, name: service.serviceName, status: service.status, since: service.startedAt, description: serviceWords(service)
    })),
    ...operations.map(operation => ({
      kind: 'operation' as const, id: operation.id, name: operation.command ?? operation.phase, status: operation.status, since: operation.started_at.toISOString(), description: null
    }))
  ]
}

function serviceWords ({ status, providerRef, url, exitReason }: RuntimeService): string | null {
  if (status === 'backing_off' || exitReason !== null) return exitReason
  const parts = [providerRef === null ? null : `process ${providerRef}`, url === null ? null : `at ${url}`].filter(part => part !== null)
  return parts.length === 0 ? null : `It runs: ${parts.join(', ')}.`
}

function nextSteps (facts: ExplainFacts, blocking: readonly string[]): WorkspaceNextStep[] {
  const { leases, close, decision, rescueExpiry } = facts
  const steps: WorkspaceNextStep[] = [
    ...leases.map(lease => ({ kind: 'lease_ends' as const, id: lease.id, at: lease.expires_at.toISOString(), description: `The lease of run ${lease.run_id} ends unless it is renewed.` })),
    ...close.services.filter(isLive).flatMap(service => serviceSteps(service, facts)),
    ...(decision === null ? [] : [archiveStep(decision, blocking)]),
    ...(rescueExpiry === null ? [] : [{ kind: 'rescue_dropped' as const, id: null, at: rescueExpiry.toISOString(), description: 'Its rescue snapshot goes, by the policy of its project.' }])
  ]
  // What waits for something else than the time comes last.
  return steps.toSorted((a, b) => a.at === b.at ? 0 : a.at === null ? 1 : b.at === null ? -1 : a.at < b.at ? -1 : 1)
}

function archiveStep ({ rule, at, reason }: SweepDecision, blocking: readonly string[]): WorkspaceNextStep {
  const held = blocking.length === 0 ? '' : ` It is kept as long as this holds: ${blocking.join(' ')}`
  return rule === 'retry_cleanup'
    ? { kind: 'retry_cleanup', id: null, at: at.toISOString(), description: reason + held }
    : { kind: 'archive', id: null, at: at.toISOString(), description: `It is archived. ${reason}${held}` }
}

function serviceSteps (service: RuntimeService, { leases }: ExplainFacts): WorkspaceNextStep[] {
  if (service.nextRestartAt !== null) {
    return [{ kind: 'service_restarts', id: service.id, at: service.nextRestartAt, description: `${service.serviceName} is started again, by its restart policy.` }]
  }
  const held = leases.length === 0 ? '' : ` It is kept for ${numbered(leases.length, 'run', 'runs')} ${listed(leases.map(lease => lease.run_id))}.`
  const due = duePolicyAt(service.stopPolicy, new Date(service.lastUsedAt))
  if (due === null) return []
  return [{ kind: 'service_stops', id: service.id, at: due.at?.toISOString() ?? null, description: `${service.serviceName} stops ${due.words}.${held}` }]
}

function summarise ({ row, leases, locks, decision }: ExplainFacts, running: readonly WorkspaceActivityNow[]): string {
  const reason = row.cleanup_reason === null ? '' : ` ${row.cleanup_reason}`
  switch (row.status) {
    case 'archived': return `It was archived${row.closed_at === null ? '' : ` at ${row.closed_at.toISOString()}`}.${reason}`
    case 'archiving': return `It is being archived or restored${locks.length === 0 ? '; a crash cut that off, and the next start finishes it' : ''}.${reason}`
    case 'provisioning': return 'It is being made.'
    case 'provision_failed': return `It could not be made.${reason}`
    case 'cleanup_failed': return `It was to be archived, but its files are still there.${reason}`
    default: {
      const holds = leases.length === 0 ? 'no run holds it' : `${counted(leases.length, 'run holds', 'runs hold')} it`
      const runs = running.length === 0 ? 'nothing runs in it' : `${listed(running.map(({ name }) => name))} ${numbered(running.length, 'runs', 'run')} in it`
      const fate = decision === null ? 'No rule archives it by itself.' : `By rule it is archived at ${decision.at.toISOString()}.`
      return `It is ${row.status.replace('_', ' ')} since ${row.opened_at.toISOString()}: ${holds}, and ${runs}. It was last used at ${row.last_used_at.toISOString()}. ${fate}${reason}`
    }
  }
}

interface Fate { deletes: string[], keeps: string[] }

/** What archiving takes away and what it leaves. */
function fateOf (facts: CloseFacts): Fate {
  if (facts.row.status === 'archived') return { deletes: [], keeps: [] }
  const fates = [fateOfServices(facts), fateOfFiles(facts), fateOfBranch(facts)]
  return {
    deletes: fates.flatMap(({ deletes }) => deletes),
    keeps: [...fates.flatMap(({ keeps }) => keeps), 'Its record, its operations and their logs.']
  }
}

const names = (services: readonly RuntimeService[]) => listed(services.map(({ serviceName }) => serviceName))

function fateOfServices ({ stopping, handedOver }: CloseFacts): Fate {
  return {
    deletes: stopping.length === 0 ? [] : [`The processes of ${names(stopping)}.`],
    keeps: handedOver.length === 0 ? [] : [`${names(handedOver)}, since other workspaces use ${numbered(handedOver.length, 'it', 'them')} too.`]
  }
}

function fateOfFiles ({ row, removal, git, keptIgnoredCount }: CloseFacts): Fate {
  switch (removal.kind) {
    case 'worktree': {
      const left = (git?.ignoredEntryCount ?? 0) - keptIgnoredCount
      const ignored = left > 0 ? [`${counted(left, 'ignored entry', 'ignored entries')} in it, such as what its tools have made.`] : []
      return {
        deletes: [`The worktree at ${removal.path}.`, ...ignored],
        keeps: [`The tip of its branch and everything staged, modified or untracked, under refs/berth/rescue/${row.id}.`]
      }
    }
    case 'folder': return { deletes: [`The folder ${removal.path}.`], keeps: ['All files, folders and links in it, as an archive in the data dir.'] }
    case 'keep':
    case 'refuse': return { deletes: [], keeps: [`${removal.path}: ${removal.reason}.`] }
    default: return { deletes: [], keeps: [] }
  }
}

function fateOfBranch ({ row, removal, git }: CloseFacts): Fate {
  if (row.branch_name === null || !['worktree', 'gone'].includes(removal.kind)) return { deletes: [], keeps: [] }
  // What was compared is what is checked out.
  if (row.branch_created_by_runtime && git?.isMergedIntoBase === true && !git.branchDrift) return { deletes: [`The branch ${row.branch_name}, which is merged.`], keeps: [] }
  const unmerged = git?.isMergedIntoBase === false ? 'is not merged' : 'is not known to be merged'
  return { deletes: [], keeps: [`The branch ${row.branch_name}, which ${row.branch_created_by_runtime ? unmerged : 'was there before'}.`] }
}
