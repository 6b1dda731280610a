/** Which processes belong to what we started: by session and group, by descent, by the mark in their environment. */
import { hostCgroups, type Cgroups } from './cgroups.ts'
import { onlyGrewSince, readPidNumbers } from './pid-order.ts'
import { childrenOf, everyPid, hasEnded, hasInEnvironment, readAllStats, readStat, ticksOf, type PidRange, type ProcessStat } from './proc-stat.ts'

/** A process for good: a pid alone is given again to others. */
export interface ProcessIdentity {
  pid: number
  /** Opaque; compare it, never parse it. */
  startTime: string
  /** How many the system had begun before it; known where this process has spawned it. Makes its tree cheap to find. */
  begunBefore?: number | null
}

export interface Tree {
  /** The process that was spawned: leader of a session and group of its own. */
  root: ProcessIdentity | null
  /** Value of BERTH_SPAWN_MARK in the environment of everything that was started; what has it and goes on with a dot is part of it. */
  mark: string | null
}

/** The environment variable that carries the mark, whatever prefix is configured. */
export const markVariable = 'BERTH_SPAWN_MARK'

/** The living process with this pid, or null. Zombies are dead. */
export function readIdentity (pid: number): ProcessIdentity | null {
  const stat = readStat(pid)
  return stat && !hasEnded(stat) ? identityOf(stat) : null
}

/** True while this very process lives; a zombie or another process with its pid does not count. */
export function isAlive (identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid)
  return stat !== null && !hasEnded(stat) && stat.startTime === identity.startTime
}

/**
 * The living processes of a tree, wherever they went: still in the root's session or group, children of such,
 * marked, or in the mark's control group. Never this process, never pid 1. Where there is no /proc, the root alone.
 */
export function findMembers ({ root, mark }: Tree, cgroups: Cgroups = hostCgroups): ProcessIdentity[] {
  const all = readAllStats(() => rangeOf(root))
  if (all.length === 0) return root && isAlive(root) ? [root] : []
  const living = all.filter(mayBeMember)
  const members = new Map<number, ProcessStat>()
  const inGroup = new Set(mark === null ? [] : cgroups.find(mark).flatMap(group => group.pids()))
  const since = root === null ? 0 : ticksOf(root.startTime)
  for (const stat of living) {
    // What was there before the root can't carry its mark; reading environments is what takes the time here.
    const isMarked = mark !== null && stat.startTicks >= since && hasInEnvironment(stat.pid, `${markVariable}=${mark}`)
    if (isMarked || inGroup.has(stat.pid)) members.set(stat.pid, stat)
  }
  if (root) addSession(members, living, root, all.find(stat => stat.pid === root.pid))
  addFollowers(members, living)
  return [...members.values()].map(identityOf)
}

/**
 * The pids that members of its tree can have: all were begun after it, and listed before this is asked. Beyond the last number are
 * those that were given before the numbers began anew.
 */
function rangeOf (root: ProcessIdentity | null): PidRange {
  if (root?.begunBefore == null) return everyPid
  const numbers = readPidNumbers()
  return numbers !== null && onlyGrewSince(root.pid, root.begunBefore, numbers) ? { from: root.pid, to: numbers.last } : everyPid
}

/**
 * The root and those that descend from it, found one by one as they are asked for: members all, but not all members. Far
 * cheaper than finding these where one of the first will do. Nobody when the root has ended.
 */
export function * descendantsOf (root: ProcessIdentity): Generator<number, void, undefined> {
  const waiting = isAlive(root) ? [root.pid] : []
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    yield pid
    waiting.push(...childrenOf(pid))
  }
}

/** Adds who is in the session or group that the root was made leader of, if those are still ours. */
function addSession (members: Map<number, ProcessStat>, living: readonly ProcessStat[], root: ProcessIdentity, leader: ProcessStat | undefined): void {
  // The pid was given to another process since: the session and group of that number are not ours.
  if (leader && leader.startTime !== root.startTime) return
  const together = living.filter(stat => stat.pid === root.pid || stat.session === root.pid || stat.group === root.pid)
  // A session's number stays taken while anyone is in it. With the leader gone, one marked member
  // vouches that the session is still the one we made.
  if (!leader && !together.some(stat => members.has(stat.pid))) return
  for (const stat of together) members.set(stat.pid, stat)
}

/** Adds children of members and everyone in a session that a member leads, until nothing is added. */
function addFollowers (members: Map<number, ProcessStat>, living: readonly ProcessStat[]): void {
  for (let before = -1; before !== members.size;) {
    before = members.size
    for (const stat of living) {
      if (members.has(stat.parent) || members.has(stat.session)) members.set(stat.pid, stat)
    }
  }
}

function mayBeMember (stat: ProcessStat): boolean {
  return stat.pid > 1 && stat.pid !== process.pid && !hasEnded(stat)
}

function identityOf (stat: ProcessStat): ProcessIdentity {
  return { pid: stat.pid, startTime: stat.startTime }
}
