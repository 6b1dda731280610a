/** Whether closing a workspace is safe, why not, and what to know before. Pure: it decides by facts gathered elsewhere. */
import type { CloseReadiness, GitReadiness, LinkedIssue } from '../../openapi/schemas/readiness.ts'
import type { CloseFacts } from './facts.ts'
import { planActions } from './planned-actions.ts'
import { counted, listed, numbered } from './words.ts'

function issueName (issue: LinkedIssue): string {
  return issue.identifier ?? `“${issue.title}”`
}

function openIssues (facts: CloseFacts): { blocking: string[], warnings: string[] } {
  const open = facts.linkedIssues.filter(issue => !issue.isTerminal)
  if (open.length === 0) return { blocking: [], warnings: [] }
  const linked = `This workspace is still linked to ${counted(open.length, 'open issue')}: ${listed(open.map(issueName))}.`
  if (facts.row.mode !== 'shared_workspace') return { blocking: [linked], warnings: [] }
  return { blocking: [], warnings: [`${linked} Archiving detaches this shared session from ${numbered(open.length, 'it', 'them')}.`] }
}

function leases ({ leaseRunIds }: CloseFacts): string[] {
  if (leaseRunIds.length === 0) return []
  return [`${numbered(leaseRunIds.length, 'Run', 'Runs')} ${listed(leaseRunIds)} ${numbered(leaseRunIds.length, 'holds', 'hold')} this workspace.`]
}

/** Each job by its name, and where to look for it. */
function jobs ({ jobs }: CloseFacts): string[] {
  return jobs.map(({ id, name, status }) => status === 'queued' ? `The job ${name} waits for its turn (operation ${id}).` : `The job ${name} is running (operation ${id}).`)
}

function underWay ({ underWay, row }: CloseFacts): string[] {
  return row.status === 'archiving' ? [] : underWay.map(({ id, name }) => `Under way: ${name} (operation ${id}).`)
}

function services ({ stopping }: CloseFacts): string[] {
  if (stopping.length === 0) return []
  return [`Archiving stops ${counted(stopping.length, 'runtime service')}: ${listed(stopping.map(service => service.serviceName))}.`]
}

function divergence (git: GitReadiness): string[] {
  const base = git.baseRef ?? 'its base'
  const warnings: string[] = []
  if (git.aheadCount !== null && git.aheadCount > 0 && git.isMergedIntoBase !== true) {
    const merged = git.isMergedIntoBase === false ? 'is not merged' : 'is not known to be merged'
    warnings.push(`The branch is ${counted(git.aheadCount, 'commit')} ahead of ${base} and ${merged}.`)
  }
  if (git.behindCount !== null && git.behindCount > 0) warnings.push(`The branch is ${counted(git.behindCount, 'commit')} behind ${base}.`)
  return warnings
}

function gitWarnings (git: GitReadiness | null): string[] {
  if (git === null) return []
  const warnings: string[] = []
  if (git.dirtyEntryCount > 0) {
    warnings.push(`${counted(git.dirtyEntryCount, 'tracked file has', 'tracked files have')} uncommitted changes.`)
  }
  if (git.untrackedEntryCount > 0) warnings.push(`${counted(git.untrackedEntryCount, 'untracked file is', 'untracked files are')} in the workspace.`)
  warnings.push(...divergence(git))
  if (git.branchDrift) {
    warnings.push(`The workspace is on ${git.checkedOutBranch ?? 'no branch (detached HEAD)'}, not on its recorded branch ${git.branchName ?? ''}.`)
  }
  if (git.unreferencedCount !== null && git.unreferencedCount > 0) warnings.push(`HEAD is detached, with ${counted(git.unreferencedCount, 'commit')} that no branch has.`)
  if (git.operationInProgress !== null) warnings.push(`A ${git.operationInProgress} is in progress.`)
  if (git.nestedRepositories.length > 0) warnings.push(`${numbered(git.nestedRepositories.length, 'A repository of its own lies', 'Repositories of their own lie')} in the workspace, and a snapshot holds at most the commits of ${numbered(git.nestedRepositories.length, 'it', 'them')} that nobody else has: ${listed(git.nestedRepositories)}.`)
  return warnings
}

function filesWarning ({ removal }: CloseFacts): string[] {
  if (removal.kind === 'keep') return [`${removal.path} is kept: ${removal.reason}.`]
  if (removal.kind === 'refuse') return [`${removal.path} will not be removed: ${removal.reason}.`]
  return []
}

function warningsOf (facts: CloseFacts, ofIssues: string[]): string[] {
  const shared = facts.row.mode === 'shared_workspace'
    ? ['This is a shared session: archiving it removes the session and keeps the project workspace it works in.']
    : []
  return [...shared, ...ofIssues, ...underWay(facts), ...services(facts), ...gitWarnings(facts.git), ...facts.problems, ...filesWarning(facts)]
}

/**
 * The close readiness of a workspace from its facts. An archived workspace is ready, with nothing planned.
 * Unknown is never taken for clean or merged: what could not be inspected becomes a warning.
 */
export function assess (facts: CloseFacts): CloseReadiness {
  const isArchived = facts.row.status === 'archived'
  const issues = openIssues(facts)
  const blockingReasons = isArchived ? [] : [...issues.blocking, ...leases(facts), ...jobs(facts)]
  const warnings = isArchived ? [] : warningsOf(facts, issues.warnings)
  return {
    workspaceId: facts.row.id,
    state: blockingReasons.length > 0 ? 'blocked' : warnings.length > 0 ? 'ready_with_warnings' : 'ready',
    blockingReasons,
    warnings,
    linkedIssues: facts.linkedIssues,
    plannedActions: planActions(facts),
    isDestructiveCloseAllowed: blockingReasons.length === 0,
    isSharedWorkspace: facts.row.mode === 'shared_workspace',
    isProjectPrimaryWorkspace: facts.isProjectPrimaryWorkspace,
    diskBytes: facts.disk?.bytes ?? null,
    diskMeasuredAt: facts.disk?.measuredAt.toISOString() ?? null,
    git: facts.git,
    runtimeServices: facts.services
  }
}
