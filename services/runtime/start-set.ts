/** Starts several commands at once, each as soon as what it depends on is there. */
import type { WorkspaceCommand } from './commands.ts'
import { neededBy, startOrder } from './dependencies.ts'

export interface StartSetResult<T> {
  /** What was started, in the order of starting. */
  started: { command: WorkspaceCommand, value: T }[]
  /** What the first that failed threw; null when none did. */
  failure: { command: WorkspaceCommand, error: unknown } | null
}

/** A command was not started because what it needs did not start. */
class NeedFailed extends Error {}

/**
 * Starts the wanted commands and all they need. Waits until every start that was begun has ended, so that
 * nothing is under way afterwards. Never throws what a start throws.
 */
export async function startSet<T> (all: readonly WorkspaceCommand[], wanted: readonly WorkspaceCommand[], startOne: (command: WorkspaceCommand) => Promise<T>): Promise<StartSetResult<T>> {
  const order = startOrder(all, wanted)
  const starting = new Map<WorkspaceCommand, Promise<T>>()
  for (const command of order) {
    const needs = neededBy(all, command).flatMap(needed => starting.get(needed) ?? [])
    starting.set(command, startAfter(needs, async () => await startOne(command)))
  }
  const results = await Promise.allSettled(starting.values())
  const pairs = order.map((command, index) => ({ command, result: results[index] }))
  const failed = pairs.flatMap(({ command, result }) => result?.status === 'rejected' ? [{ command, error: result.reason as unknown }] : [])
  return {
    started: pairs.flatMap(({ command, result }) => result?.status === 'fulfilled' ? [{ command, value: result.value }] : []),
    failure: failed.find(({ error }) => !(error instanceof NeedFailed)) ?? failed[0] ?? null
  }
}

async function startAfter<T> (needs: readonly Promise<unknown>[], start: () => Promise<T>): Promise<T> {
  const results = await Promise.allSettled(needs)
  if (results.some(result => result.status === 'rejected')) throw new NeedFailed('what it depends on did not start')
  return await start()
}
