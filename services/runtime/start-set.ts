/** Starts several commands at once, each as soon as what it depends on has come far enough. */
import type { WorkspaceCommand } from './commands.ts'
import { needsOf, startOrder, type Need } from './dependencies.ts'

export interface StartSetResult<T> {
  /** What was started, in the order of starting. */
  started: { command: WorkspaceCommand, value: T }[]
  /** What the first that failed threw; null when none did. */
  failure: { command: WorkspaceCommand, error: unknown } | null
}

/** Starts one; calls `onSpawned` once its process is there, and resolves when it is ready (a job: done). */
export type StartOne<T> = (command: WorkspaceCommand, onSpawned: () => void) => Promise<T>

interface Starting<T> {
  /** Its process is there; rejects when it never will be. */
  spawned: Promise<unknown>
  ready: Promise<T>
}

/** A command was not started because what it needs did not start. */
class NeedFailed extends Error {}

/**
 * Starts the wanted commands and all they need. Waits until every start that was begun has ended, so that
 * nothing is under way afterwards. Never throws what a start throws.
 */
export async function startSet<T> (all: readonly WorkspaceCommand[], wanted: readonly WorkspaceCommand[], startOne: StartOne<T>): Promise<StartSetResult<T>> {
  const order = startOrder(all, wanted)
  const starting = new Map<WorkspaceCommand, Starting<T>>()
  for (const command of order) {
    const needs = needsOf(all, command).flatMap(need => promiseOf(need, starting.get(need.command)))
    starting.set(command, begin(needs, async onSpawned => await startOne(command, onSpawned)))
  }
  const results = await Promise.allSettled([...starting.values()].map(({ ready }) => ready))
  const pairs = order.map((command, index) => ({ command, result: results[index] }))
  const failed = pairs.flatMap(({ command, result }) => result?.status === 'rejected' ? [{ command, error: result.reason as unknown }] : [])
  return {
    started: pairs.flatMap(({ command, result }) => result?.status === 'fulfilled' ? [{ command, value: result.value }] : []),
    failure: failed.find(({ error }) => !(error instanceof NeedFailed)) ?? failed[0] ?? null
  }
}

function promiseOf<T> ({ condition }: Need, needed: Starting<T> | undefined): Promise<unknown>[] {
  if (needed === undefined) return []
  return [condition === 'started' ? needed.spawned : needed.ready]
}

function begin<T> (needs: readonly Promise<unknown>[], start: (onSpawned: () => void) => Promise<T>): Starting<T> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const ready = startAfter(needs, async () => await start(resolve))
  // Ready without having told of its process (a disabled job): then it is far enough too.
  const spawned = Promise.race([promise, ready])
  spawned.catch(() => { /* Whoever needs it sees it; `ready` fails with the same. */ })
  return { spawned, ready }
}

async function startAfter<T> (needs: readonly Promise<unknown>[], start: () => Promise<T>): Promise<T> {
  const results = await Promise.allSettled(needs)
  if (results.some(result => result.status === 'rejected')) throw new NeedFailed('what it depends on did not start')
  return await start()
}
