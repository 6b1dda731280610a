/** Runs the provision command of a workspace when its policy says so. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandContext, EnvironmentBuilder } from '../process/environment.ts'
import { finishOf, runCommand, type CommandResult } from '../operations/command-run.ts'
import type { OperationHandle, Recorder } from '../operations/recorder.ts'
import { ServiceStopping } from '../operations/run-step.ts'
import { workspaceStep } from '../operations/workspace-step.ts'
import { ProvisionFailed } from '../errors.ts'
import { stopping } from './as-problem.ts'
import { matchingFiles } from './copy-files.ts'
import { isAbsence } from './local-paths.ts'
import { resolveOwnerScript } from './owner-script.ts'
import type { WorkspaceRow } from './shape.ts'
import { provisionCommandOf, rowStrategy } from './strategy.ts'

export interface ProvisionDeps {
  recorder: Recorder
  environment: EnvironmentBuilder
  timeoutMs: number
}

export interface Provisioner {
  /** Whether the command has to run (again) in this worktree. False without a command. */
  isDue (row: WorkspaceRow, worktree: string): Promise<boolean>
  /**
   * Runs the command in the workspace's folder under an operation of its own and answers the fingerprint to store.
   * @throws PathNotAllowed, ProvisionFailed (422) when it exits non-zero or runs too long; Unavailable (503) when the service stops
   */
  run (row: WorkspaceRow, worktree: string, context: CommandContext, how: ProvisionHow): Promise<string>
}

export interface ProvisionHow {
  /** The run it is recorded for. */
  runId: string | null
  /** Ends the command, beside its own operation's. */
  signal?: AbortSignal | undefined
}

/** A provisioner for the workspaces of this host. */
export function createProvisioner ({ recorder, environment, timeoutMs }: ProvisionDeps): Provisioner {
  return {
    async isDue (row, worktree) {
      const command = provisionCommandOf(row)
      if (command === null) return false
      const { provisionPolicy = 'on_change' } = rowStrategy(row)
      if (provisionPolicy === 'always' || row.provision_fingerprint === null) return true
      return provisionPolicy === 'on_change' && await fingerprint(row, command, worktree) !== row.provision_fingerprint
    },

    async run (row, worktree, context, { runId, signal }) {
      const written = provisionCommandOf(row) ?? ''
      const cwd = row.cwd ?? worktree
      const { command } = await resolveOwnerScript(written, row.repo_root)
      await recorder.run(workspaceStep(row, runId, {
        phase: 'workspace_provision',
        command: written,
        cwd,
        metadata: { action: 'provision', created: context.workspace.created }
      }), async op => {
        await environment.requireFolder(cwd, context)
        const env = environment.build({ context, mark: op.mark })
        const result = await runCommand({ op, command, cwd, env, user: environment.user, timeoutMs, launch: environment.launch, ...(signal === undefined ? {} : { signal }) })
        await op.finish(finishOf(op, result))
        const problem = problemOf(op, written, result, timeoutMs)
        if (problem !== null) throw problem
      })
      // Taken afterwards: what the command itself wrote into its inputs is no change.
      return await fingerprint(row, written, worktree)
    }
  }
}

/** A digest of the command, the script it names and the files of `provisionInputs`, as they are now. */
async function fingerprint (row: WorkspaceRow, command: string, worktree: string): Promise<string> {
  const hash = createHash('sha256').update(command)
  const { script } = await resolveOwnerScript(command, row.repo_root)
  if (script !== null) hash.update('\0script\0').update(await contentOf(script))
  const { provisionInputs = [] } = rowStrategy(row)
  for (const path of await matchingFiles(worktree, provisionInputs)) {
    hash.update(`\0${path}\0`).update(await contentOf(join(worktree, path)))
  }
  return hash.digest('hex')
}

/** The digest of a file; of nothing when it has gone, or is not a file. */
async function contentOf (path: string): Promise<string> {
  try {
    return createHash('sha256').update(await readFile(path)).digest('hex')
  } catch (error) {
    if (isAbsence(error) || (error instanceof Error && 'code' in error && error.code === 'EISDIR')) return ''
    throw error
  }
}

function problemOf (op: OperationHandle, command: string, result: CommandResult, timeoutMs: number): Error | null {
  const { outcome, exitCode, signal } = result
  if (outcome === 'exited' && exitCode === 0 && (result.stop?.survivors.length ?? 0) === 0) return null
  if (op.signal.reason instanceof ServiceStopping) return stopping(op.signal.reason)
  const how = outcome === 'timed_out'
    ? `ran longer than ${timeoutMs / 1000} s`
    : outcome === 'cancelled' ? 'was cancelled' : exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `exited with ${exitCode}`
  const lastLines = lastLinesOf(op)
  const said = lastLines.length === 0 ? '' : ` Its last words: ${lastLines.join(' / ')}`
  return new ProvisionFailed(`The provision command (${shortened(op.log.mask(command))}) ${how}.${said}`, {
    members: { operationId: op.id, exitCode, lastLines }
  })
}

// Enough to recognise the fault; the whole log is one request away.
const shownLines = 5
const shownCommandChars = 200

/** The end of what the command printed: of its errors, else of its output. Masked by the log. */
function lastLinesOf (op: OperationHandle): string[] {
  const text = op.log.excerpt('stderr') ?? op.log.excerpt('stdout') ?? ''
  return text.split('\n').map(line => line.trimEnd()).filter(line => line !== '').slice(-shownLines)
}

function shortened (command: string): string {
  const line = command.split('\n', 1)[0] ?? ''
  return line.length < command.length || line.length > shownCommandChars ? `${line.slice(0, shownCommandChars)}…` : line
}
