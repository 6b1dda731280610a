/** What every step of one archive or restore works with. */
import { runIdOf, type Actor } from '../access/actor.ts'
import type { Locks } from '../operations/locks.ts'
import type { OperationHandle, OperationInput, Recorder, RecorderLog } from '../operations/recorder.ts'
import { workspaceStep, type WorkspaceStep } from '../operations/workspace-step.ts'
import type { CommandContext, EnvironmentBuilder } from '../process/environment.ts'
import type { Supervisor } from '../runtime/supervisor.ts'
import type { WorkspaceRow } from '../workspaces/shape.ts'
import type { GatherDeps } from './gather.ts'
import type { RescueState } from './rescue-record.ts'

export interface ArchiveDeps extends GatherDeps {
  locks: Locks
  recorder: Recorder
  environment: EnvironmentBuilder
  /** What a command is told about the workspace. */
  loadContext: (row: WorkspaceRow) => Promise<CommandContext>
  /** The supervisor's: stops one service with proof; throws when something survives. */
  stopService: Supervisor['stop']
  /** Limit of each cleanup and teardown command. */
  commandTimeoutMs: number
  log: RecorderLog
}

/** One archive or restore under way. */
export interface ArchiveRun {
  deps: ArchiveDeps
  row: WorkspaceRow
  actor: Actor
  /** The operation that sums up. */
  op: OperationHandle
  state: RescueState
  /** What to tell at the end; each a sentence. */
  warnings: string[]
}

/** How long an archive or a restore waits for whoever has the workspace or the repository. */
export const workspaceWaitMs = 2_000
// Adding a worktree of a large repository takes this long at most; it is worth waiting for.
export const repositoryWaitMs = 60_000

/** What to record a step of this workspace as. */
export function stepInput (row: WorkspaceRow, actor: Actor, step: WorkspaceStep): OperationInput {
  return workspaceStep(row, runIdOf(actor), step)
}

/** Takes the workspace over for a run whose operation has begun; when that fails, the operation ends with it. */
export async function startRun (op: OperationHandle, takeOver: () => Promise<ArchiveRun>): Promise<ArchiveRun> {
  try {
    return await takeOver()
  } catch (error) {
    await op.finish({ status: 'failed', metadata: { error: { detail: error instanceof Error ? error.message : String(error) } } })
    throw error
  }
}

/** Notes something for the person who archives: in the log now, in `cleanupReason` at the end. */
export function warn (run: Pick<ArchiveRun, 'op' | 'warnings'>, sentence: string): void {
  run.warnings.push(sentence)
  run.op.log.system(`Warning: ${sentence}`)
}
