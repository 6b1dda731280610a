/** Runs a job of the runtime config to its end, under the operation that records it. */
import { resolve } from 'node:path'
import { Unprocessable } from '../errors.ts'
import { runCommand, type CommandResult } from '../operations/command-run.ts'
import type { OperationHandle } from '../operations/recorder.ts'
import { renderCommand, renderText } from '../process/template.ts'
import { renderEnv, templateScope, type Addresses, type PlanInput } from './service-plan.ts'

export interface JobInput extends PlanInput {
  addresses: Addresses
  op: OperationHandle
  /** Told once its process is there. */
  onSpawned?: (() => void) | undefined
}

/**
 * Runs the job; its output goes to the operation's log as it comes. How it ended is the answer, whatever the code.
 * @throws Unprocessable (422) when a template has no value, PathNotAllowed, CommandNotStarted (422)
 */
export async function runJob (input: JobInput): Promise<CommandResult> {
  const { command: { definition, entry }, environment, context, baseCwd, addresses, op, onSpawned } = input
  if (definition.command === null) throw new Unprocessable(`${definition.name} has no command.`)
  const scope = templateScope(input, { port: null, services: addresses })
  const { command, env: values } = renderCommand(definition.command, scope)
  const cwd = resolve(baseCwd, renderText(definition.cwd ?? '.', scope))
  await environment.requireFolder(cwd, context)
  return await runCommand({
    op,
    launch: environment.launch,
    onSpawned,
    command,
    cwd,
    env: environment.build({ context, own: { ...renderEnv(entry, scope), ...values }, mark: op.mark }),
    user: environment.user,
    limits: entry.limits,
    timeoutMs: entry.timeoutSec === undefined ? null : entry.timeoutSec * 1000,
    timeoutName: 'timeoutSec',
    ...(entry.stop?.graceSec === undefined ? {} : { graceMs: entry.stop.graceSec * 1000 })
  })
}
