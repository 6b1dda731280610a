/** Ending everything that was started, wherever it went, and proving that it is gone. */
import { hostCgroups, type Cgroups } from './cgroups.ts'
import { hasProc, readStat } from './proc-stat.ts'
import { isListenedOn } from './port-use.ts'
import { signalGroup, signalTree } from './signal-tree.ts'
import { findMembers, isAlive, type ProcessIdentity, type Tree } from './tree.ts'
import { DeadlinePassed, until } from './until.ts'

export interface TerminateInput extends Tree {
  /** Sent first, once to each process. */
  signal?: NodeJS.Signals
  /** How long they may take to end by themselves before SIGKILL. */
  graceMs: number
  /** Settles when the root has ended, where somebody knows: then nobody has to find out. */
  rootEnded?: Promise<unknown> | null
  /** A port that has to be free at the end. */
  port?: number | null
}

/** What was there, and that it is gone. */
export interface StopProof {
  /** Pids of every process that was found, first and later. */
  membersBefore: number[]
  /** Pids of those still alive; empty when it worked. */
  survivors: number[]
  /** SIGKILL was needed. */
  forced: boolean
  /** Nobody listens on the port any more; null when no port was given or it can't be known. */
  portFree: boolean | null
  durationMs: number
}

/** SIGKILL acts at once, except on a process inside a blocked system call; longer is not worth waiting. */
const killWithinMs = 5000
/** The kernel closes a listener with its last holder: a port still taken after this is somebody else's. */
const portFreeWithinMs = 500
const closely = { firstMs: 2, maxMs: 25 }

/**
 * Sends `signal` to every process of the tree, waits the grace time, then kills what is left.
 * Never throws: what could not be ended is in the proof.
 */
export async function terminate (input: TerminateInput, cgroups: Cgroups = hostCgroups): Promise<StopProof> {
  const begun = performance.now()
  const { root, mark, signal = 'SIGTERM', graceMs, rootEnded, port = null } = input
  const hunt = createHunt({ root, mark }, cgroups)
  let forced = false
  if (hunt.sweep().length > 0) {
    await hunt.signalAll(signal)
    forced = !await hunt.allGone(graceMs, signal, rootEnded ?? undefined)
    if (forced) await hunt.killAll()
  }
  await hunt.removeGroups()
  return {
    membersBefore: hunt.everFound(),
    survivors: hunt.alive().map(({ pid }) => pid),
    forced,
    portFree: port === null || !hasProc ? null : await isFreeSoon(port),
    durationMs: Math.round(performance.now() - begun)
  }
}

/** The processes found so far; each is signalled only while it is still the one that was found. */
function createHunt (tree: Tree, cgroups: Cgroups) {
  const found = new Map<number, ProcessIdentity>()

  const alive = () => [...found.values()].filter(isAlive)
  const groups = () => tree.mark === null ? [] : cgroups.find(tree.mark)

  /** Looks through all processes; gives those not known before. */
  function sweep (): ProcessIdentity[] {
    const fresh = findMembers(tree, cgroups).filter(({ pid, startTime }) => found.get(pid)?.startTime !== startTime)
    for (const identity of fresh) found.set(identity.pid, identity)
    return fresh
  }

  async function signalAll (signal: NodeJS.Signals, members: readonly ProcessIdentity[] = alive()): Promise<void> {
    if (!hasProc) {
      for (const identity of members) if (isAlive(identity)) await signalTree(identity.pid, signal)
      return
    }
    const inGroup = signalOwnGroup(tree.root, members, signal)
    for (const identity of members) {
      if (!inGroup.has(identity.pid)) signalOne(identity, signal)
    }
  }

  /** True once none is left, those that appear meanwhile included; false when time is up. */
  async function allGone (withinMs: number, signal: NodeJS.Signals, hint?: Promise<unknown>): Promise<boolean> {
    const look = async () => {
      const left = alive()
      wakeStopped(left)
      if (left.length > 0) return false
      const fresh = sweep()
      if (fresh.length === 0) return true
      await signalAll(signal, fresh)
      return false
    }
    return await isTrueWithin(look, withinMs, hint)
  }

  /** Kills until a sweep finds none: one that forks faster than we look is caught by its group, control group or process group. */
  async function killAll (): Promise<void> {
    await isTrueWithin(async () => {
      sweep()
      const left = alive()
      if (left.length === 0) return true
      await Promise.all(groups().map(async group => await group.kill()))
      await signalAll('SIGKILL', left)
      return false
    }, killWithinMs)
  }

  /** A group that something is still in stays, and is found again. */
  async function removeGroups (): Promise<void> {
    await Promise.all(groups().map(async group => await group.remove()))
  }

  return { sweep, alive, signalAll, allGone, killAll, removeGroups, everFound: () => [...found.keys()] }
}

/** Signals the root's group in one step, which also reaches what it forks meanwhile; gives the pids reached. */
function signalOwnGroup (root: ProcessIdentity | null, members: readonly ProcessIdentity[], signal: NodeJS.Signals): Set<number> {
  const reached = new Set<number>()
  const own = readStat(process.pid)
  if (!root || !own || own.group === root.pid || own.session === root.pid) return reached
  for (const identity of members) {
    const stat = readStat(identity.pid)
    if (stat?.startTime === identity.startTime && stat.group === root.pid) reached.add(stat.pid)
  }
  // While a member is in the group its number can't be given to another: it is still ours.
  if (reached.size > 0 && !signalGroup(root.pid, signal)) reached.clear()
  return reached
}

function signalOne (identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (identity.pid <= 1 || identity.pid === process.pid || !isAlive(identity)) return
  try {
    process.kill(identity.pid, signal)
  } catch {
    // Ended this moment, or another user's by now: the proof counts who is left.
  }
}

/** A stopped process takes no signal but SIGKILL until it goes on. */
function wakeStopped (members: readonly ProcessIdentity[]): void {
  for (const identity of members) {
    if (readStat(identity.pid)?.state === 'T') signalOne(identity, 'SIGCONT')
  }
}

async function isFreeSoon (port: number): Promise<boolean> {
  return await isTrueWithin(async () => !await isListenedOn(port), portFreeWithinMs)
}

async function isTrueWithin (look: () => boolean | Promise<boolean>, withinMs: number, hint?: Promise<unknown>): Promise<boolean> {
  try {
    return await until(look, { ...closely, withinMs, hint })
  } catch (error) {
    if (error instanceof DeadlinePassed) return false
    throw error
  }
}
