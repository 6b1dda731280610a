/** Start-up recovery: what an earlier process of this host left half done is ended, taken up again or finished. */
import type { Db } from '../../db/client.ts'
import { listWorkspacesOfHost, type WorkspaceRow } from '../../db/execution-workspaces.ts'
import { listLiveOfHost } from '../../db/runtime-services.ts'
import { isProblem } from '../errors.ts'
import type { Recorder } from '../operations/recorder.ts'
import type { RuntimeLog } from '../runtime/live-services.ts'
import type { Supervisor } from '../runtime/supervisor.ts'
import { endOrphan, interruptLeftover } from './ownerless.ts'

/** What was found and done, as numbers, and what could not be done, in words. */
export interface RecoveryReport {
  operationsInterrupted: number
  servicesAdopted: number
  servicesEnded: number
  workspacesFinished: number
  servicesStarted: number
  problems: string[]
  durationMs: number
}

export interface RecoveryState {
  state: 'pending' | 'running' | 'done'
  /** What was found and done, in one line; null until it is done. */
  detail: string | null
  report: (RecoveryReport & Record<string, unknown>) | null
}

export interface RecoveryDeps {
  db: Db
  hostId: string
  recorder: Pick<Recorder, 'unfinished' | 'interrupt' | 'orphans' | 'settleOrphan'>
  supervisor: Pick<Supervisor, 'adopt'>
  /** Starts what should run in every workspace of this host; gives how many were started and what went wrong. */
  startDesired: (signal: AbortSignal) => Promise<{ started: number, problems: string[] }>
  /** Finishes a workspace that was being provisioned, or marks it; gives what went wrong. */
  finishProvisioning: (row: WorkspaceRow) => Promise<string | null>
  /** Finishes a workspace that was being archived, or marks it; gives what went wrong. */
  finishArchiving: (row: WorkspaceRow) => Promise<string | null>
  /** When this process began: what changed since is a request's, and not to be recovered. */
  bootedAt: Date
  log: RuntimeLog
}

export interface Recovery {
  /** Recovers once; later calls wait for the same. Never throws: what could not be done is in the report. */
  run (): Promise<RecoveryReport>
  state (): RecoveryState
  /** Ends it early, for closing. */
  close (): Promise<void>
}

export function createRecovery (deps: RecoveryDeps): Recovery {
  const stopping = new AbortController()
  let running: Promise<RecoveryReport> | null = null
  let report: RecoveryReport | null = null

  return {
    async run () {
      running ??= recover(deps, stopping.signal).then(done => {
        report = done
        deps.log.info({ ...done }, `recovery: ${describe(done)}`)
        return done
      })
      return await running
    },
    state () {
      if (report !== null) return { state: 'done', detail: describe(report), report: { ...report } }
      return { state: running === null ? 'pending' : 'running', detail: null, report: null }
    },
    async close () {
      stopping.abort()
      await running
    }
  }
}

/** One line for the log and for `/readyz`. */
function describe (report: RecoveryReport): string {
  const counts: [number, string][] = [
    [report.operationsInterrupted, 'operations interrupted'],
    [report.servicesAdopted, 'services taken up again'],
    [report.servicesEnded, 'services found ended'],
    [report.workspacesFinished, 'workspaces finished'],
    [report.servicesStarted, 'services started'],
    [report.problems.length, 'problems']
  ]
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${count === 1 ? what.replace(/s(?= |$)/, '') : what}`)
  return found.length === 0 ? 'nothing to recover' : found.join(', ')
}

async function recover (deps: RecoveryDeps, signal: AbortSignal): Promise<RecoveryReport> {
  const begun = performance.now()
  const report: RecoveryReport = { operationsInterrupted: 0, servicesAdopted: 0, servicesEnded: 0, workspacesFinished: 0, servicesStarted: 0, problems: [], durationMs: 0 }
  const steps = [interruptOperations, takeUpServices, finishWorkspaces, startWanted]
  for (const step of steps) {
    if (signal.aborted) break
    await step(deps, report, signal).catch((error: unknown) => note(deps, report, step.name, error))
  }
  report.durationMs = Math.round(performance.now() - begun)
  return report
}

function note ({ log }: RecoveryDeps, report: RecoveryReport, what: string, error: unknown): void {
  log.warn({ err: error, what }, 'recovery could not do everything')
  // At /readyz anybody may read this: only what was written for clients is shown.
  report.problems.push(`${what}: ${isProblem(error) ? error.detail : 'failed; see the log'}`)
}

async function interruptOperations (deps: RecoveryDeps, report: RecoveryReport): Promise<void> {
  for (const operation of await deps.recorder.unfinished()) {
    try {
      await interruptLeftover(deps, operation)
      report.operationsInterrupted++
    } catch (error) {
      note(deps, report, `operation ${operation.id}`, error)
    }
  }
  for (const operation of await deps.recorder.orphans()) {
    await endOrphan(deps, operation).catch((error: unknown) => note(deps, report, `operation ${operation.id}`, error))
  }
}

async function takeUpServices ({ db, hostId, supervisor, ...deps }: RecoveryDeps, report: RecoveryReport): Promise<void> {
  for (const row of await listLiveOfHost(db, hostId)) {
    try {
      if (await supervisor.adopt(row) === 'adopted') report.servicesAdopted++
      else report.servicesEnded++
    } catch (error) {
      note({ db, hostId, supervisor, ...deps }, report, `service ${row.service_name}`, error)
    }
  }
}

async function finishWorkspaces (deps: RecoveryDeps, report: RecoveryReport, signal: AbortSignal): Promise<void> {
  for (const row of await listWorkspacesOfHost(deps.db, deps.hostId, ['provisioning', 'archiving'])) {
    if (signal.aborted) return
    if (row.updated_at >= deps.bootedAt) continue
    try {
      const problem = await (row.status === 'provisioning' ? deps.finishProvisioning(row) : deps.finishArchiving(row))
      report.workspacesFinished++
      if (problem !== null) report.problems.push(`${row.name}: ${problem}`)
    } catch (error) {
      note(deps, report, `workspace ${row.id}`, error)
    }
  }
}

async function startWanted (deps: RecoveryDeps, report: RecoveryReport, signal: AbortSignal): Promise<void> {
  const { started, problems } = await deps.startDesired(signal)
  report.servicesStarted = started
  report.problems.push(...problems)
}
