/** Runs the cleanup and teardown commands of an archive, each its own operation; a failing one is a warning. */
import { finishOf, runCommand, type CommandResult } from '../operations/command-run.ts'
import { isDirectory } from '../workspaces/local-paths.ts'
import { resolveOwnerScript } from '../workspaces/owner-script.ts'
import { stepInput, warn, type ArchiveRun } from './archive-run.ts'
import type { CloseCommand } from './facts.ts'
import { workspacePathOf, type GatheredFacts } from './gather.ts'

const names: Record<CloseCommand['kind'], string> = { cleanup_command: 'cleanup command', teardown_command: 'teardown command' }
const owners: Record<CloseCommand['source'], string> = { execution_workspace: "workspace's", project_workspace: "project workspace's", strategy: "project's" }

function shortfall ({ outcome, exitCode, signal, stop }: CommandResult, timeoutMs: number): string | null {
  if (outcome === 'timed_out') return `ran longer than ${timeoutMs / 1000} s`
  if (outcome === 'cancelled') return 'was cancelled'
  if (exitCode === null) return `was ended by ${signal ?? 'a signal'}`
  if (exitCode !== 0) return `exited with ${exitCode}`
  return stop !== null && stop.survivors.length > 0 ? 'left processes that could not be ended' : null
}

/** Where the commands run: in the workspace's folder, else in the project workspace's; null when neither is there. */
async function folderFor ({ row, projectWorkspace }: GatheredFacts): Promise<string | null> {
  for (const folder of [row.cwd, workspacePathOf(row), projectWorkspace?.cwd ?? null]) {
    if (folder !== null && await isDirectory(folder)) return folder
  }
  return null
}

/** Runs them in order. Stops only when the archive itself is told to end. */
export async function runCloseCommands (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  if (facts.commands.length === 0) return
  const cwd = await folderFor(facts)
  if (cwd === null) return warn(run, 'No folder was left to run the cleanup and teardown commands in.')
  for (const command of facts.commands) {
    run.op.signal.throwIfAborted()
    await runOne(run, command, cwd)
  }
}

async function runOne (run: ArchiveRun, { kind, source, command: written }: CloseCommand, cwd: string): Promise<void> {
  const { deps, row, actor } = run
  const name = `The ${owners[source]} ${names[kind]}`
  try {
    const { command } = await resolveOwnerScript(written, row.repo_root)
    const context = await deps.loadContext(row)
    const { value: failed } = await deps.recorder.run(
      stepInput(row, actor, { phase: 'workspace_teardown', command: written, cwd, metadata: { action: 'archive', kind, source } }),
      async op => {
        await deps.environment.requireFolder(cwd, context)
        const env = deps.environment.build({ context, mark: op.mark })
        const result = await runCommand({ op, command, cwd, env, user: deps.environment.user, timeoutMs: deps.commandTimeoutMs, signal: run.op.signal, launch: deps.environment.launch })
        await op.finish(finishOf(op, result))
        const short = shortfall(result, deps.commandTimeoutMs)
        return short === null ? null : `${name} ${short} (operation ${op.id}).`
      })
    if (failed !== null && !run.op.signal.aborted) warn(run, failed)
  } catch (error) {
    if (run.op.signal.aborted) throw error
    warn(run, `${name} could not be run: ${error instanceof Error ? error.message : String(error)}`)
  }
}
