/** Close readiness as a table: what blocks, what only warns, and in which words. */
import t from 'tap'
import { assess } from '../../../services/archive/close-readiness.ts'
import { closeFacts, gitFacts, issueFacts, serviceFacts, workspaceId, worktreePath, type FactChanges } from '../../fixtures/close-facts.ts'

interface Case {
  title: string
  facts: FactChanges
  state: string
  blocking?: string[]
  warnings?: string[]
}

const shared = { mode: 'shared_workspace', provider_type: 'local_fs', created_by_runtime: false, realized_path: null, branch_name: null, branch_created_by_runtime: false } as const
const sharedSession = 'This is a shared session: archiving it removes the session and keeps the project workspace it works in.'
const sharedFacts = { row: shared, git: null, removal: { kind: 'none' } } as const

const cases: Case[] = [
  { title: 'a clean merged worktree of a finished issue is ready', facts: {}, state: 'ready' },
  { title: 'a workspace without any issue is ready', facts: { linkedIssues: [] }, state: 'ready' },
  { title: 'a cancelled issue does not block', facts: { linkedIssues: [issueFacts('cancelled')] }, state: 'ready' },
  {
    title: 'an open issue blocks an isolated workspace',
    facts: { linkedIssues: [issueFacts('in_progress'), issueFacts('done')] },
    state: 'blocked',
    blocking: ['This workspace is still linked to 1 open issue: T-1.']
  },
  {
    title: 'two open issues block in the plural, by title where there is no identifier',
    facts: { linkedIssues: [issueFacts('todo'), issueFacts('backlog', null)] },
    state: 'blocked',
    blocking: ['This workspace is still linked to 2 open issues: T-1 and “A title”.']
  },
  {
    title: 'an open issue only warns for a shared workspace',
    facts: { ...sharedFacts, linkedIssues: [issueFacts('blocked')] },
    state: 'ready_with_warnings',
    warnings: [sharedSession, 'This workspace is still linked to 1 open issue: T-1. Archiving detaches this shared session from it.']
  },
  {
    title: 'two open issues of a shared workspace are detached in the plural',
    facts: { ...sharedFacts, linkedIssues: [issueFacts('blocked'), issueFacts('in_review', 'T-2')] },
    state: 'ready_with_warnings',
    warnings: [sharedSession, 'This workspace is still linked to 2 open issues: T-1 and T-2. Archiving detaches this shared session from them.']
  },
  { title: 'a live lease blocks, naming its run', facts: { leaseRunIds: ['r-1'] }, state: 'blocked', blocking: ['Run r-1 holds this workspace.'] },
  { title: 'two live leases block in the plural', facts: { leaseRunIds: ['r-1', 'r-2'] }, state: 'blocked', blocking: ['Runs r-1 and r-2 hold this workspace.'] },
  { title: 'one running service warns', facts: { stopping: [serviceFacts('web')] }, state: 'ready_with_warnings', warnings: ['Archiving stops 1 runtime service: web.'] },
  { title: 'two running services warn', facts: { stopping: [serviceFacts('web'), serviceFacts('db')] }, state: 'ready_with_warnings', warnings: ['Archiving stops 2 runtime services: web and db.'] },
  { title: 'a service that is shown but not stopped does not warn', facts: { services: [serviceFacts('web', 'stopped')] }, state: 'ready' },
  {
    title: 'one dirty and one untracked file warn',
    facts: { git: gitFacts({ dirtyEntryCount: 1, untrackedEntryCount: 1 }) },
    state: 'ready_with_warnings',
    warnings: ['1 tracked file has uncommitted changes.', '1 untracked file is in the workspace.']
  },
  {
    title: 'more dirty and untracked files warn in the plural',
    facts: { git: gitFacts({ dirtyEntryCount: 2, untrackedEntryCount: 3 }) },
    state: 'ready_with_warnings',
    warnings: ['2 tracked files have uncommitted changes.', '3 untracked files are in the workspace.']
  },
  {
    title: 'one commit ahead and not merged warns',
    facts: { git: gitFacts({ aheadCount: 1, isMergedIntoBase: false, mergeEvidence: null }) },
    state: 'ready_with_warnings',
    warnings: ['The branch is 1 commit ahead of main and is not merged.']
  },
  {
    title: 'ahead with an unknown merge state is never taken for merged',
    facts: { git: gitFacts({ aheadCount: 2, isMergedIntoBase: null, mergeEvidence: null }) },
    state: 'ready_with_warnings',
    warnings: ['The branch is 2 commits ahead of main and is not known to be merged.']
  },
  { title: 'ahead but merged does not warn', facts: { git: gitFacts({ aheadCount: 2, isMergedIntoBase: true }) }, state: 'ready' },
  { title: 'behind warns', facts: { git: gitFacts({ behindCount: 1 }) }, state: 'ready_with_warnings', warnings: ['The branch is 1 commit behind main.'] },
  { title: 'behind by more warns in the plural', facts: { git: gitFacts({ behindCount: 7 }) }, state: 'ready_with_warnings', warnings: ['The branch is 7 commits behind main.'] },
  {
    title: 'another branch checked out warns',
    facts: { git: gitFacts({ branchDrift: true, checkedOutBranch: 'other' }) },
    state: 'ready_with_warnings',
    warnings: ['The workspace is on other, not on its recorded branch feature.']
  },
  {
    title: 'a rebase in progress warns',
    facts: { git: gitFacts({ operationInProgress: 'rebase' }) },
    state: 'ready_with_warnings',
    warnings: ['A rebase is in progress.']
  },
  {
    title: 'jobs block by their names, whatever else is under way warns',
    facts: { jobs: [{ id: 'j1', name: 'test', status: 'running' }, { id: 'j2', name: 'build', status: 'queued' }], underWay: [{ id: 'u', name: 'start web', status: 'running' }] },
    state: 'blocked',
    blocking: ['The job test is running (operation j1).', 'The job build waits for its turn (operation j2).'],
    warnings: ['Under way: start web (operation u).']
  },
  {
    title: 'an archive that is under way does not warn of itself',
    facts: { row: { status: 'archiving' }, underWay: [{ id: 'u', name: 'npm run clean', status: 'running' }] },
    state: 'ready'
  },
  {
    title: 'commits that only a detached HEAD has warn',
    facts: { git: gitFacts({ branchDrift: true, checkedOutBranch: null, unreferencedCount: 2 }) },
    state: 'ready_with_warnings',
    warnings: ['The workspace is on no branch (detached HEAD), not on its recorded branch feature.', 'HEAD is detached, with 2 commits that no branch has.']
  },
  {
    title: 'a repository of its own warns',
    facts: { git: gitFacts({ nestedRepositories: ['deps/theirs'] }) },
    state: 'ready_with_warnings',
    warnings: ['A repository of its own lies in the workspace, and a snapshot holds at most the commits of it that nobody else has: deps/theirs.']
  },
  {
    title: 'what could not be inspected warns and keeps the folder',
    facts: { git: null, problems: ['The repository could not be read.'], removal: { kind: 'refuse', path: worktreePath, reason: 'it could not be inspected' } },
    state: 'ready_with_warnings',
    warnings: ['The repository could not be read.', `${worktreePath} will not be removed: it could not be inspected.`]
  },
  {
    title: 'a folder that holds the project workspace is kept with a warning',
    facts: { removal: { kind: 'keep', path: '/folder', reason: 'it holds the project workspace' } },
    state: 'ready_with_warnings',
    warnings: ['/folder is kept: it holds the project workspace.']
  },
  { title: 'an archived workspace is ready, whatever it was', facts: { row: { status: 'archived' }, linkedIssues: [issueFacts('todo')], git: gitFacts({ dirtyEntryCount: 2 }) }, state: 'ready' }
]

for (const { title, facts, state, blocking = [], warnings = [] } of cases) {
  t.test(title, async t => {
    const readiness = assess(closeFacts(facts))
    t.equal(readiness.state, state)
    t.same(readiness.blockingReasons, blocking)
    t.same(readiness.warnings, warnings)
    t.equal(readiness.isDestructiveCloseAllowed, blocking.length === 0)
    t.equal(readiness.isSharedWorkspace, facts.row?.mode === 'shared_workspace')
    t.equal(readiness.workspaceId, workspaceId)
  })
}
