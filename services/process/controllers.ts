/** Getting the kernel's controllers (memory, pids) for the groups below ours: enabled there, with this process stepped aside. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readSetting, writeSetting } from './cgroup.ts'
import { asideName, type CgroupPlace } from './cgroup-place.ts'
import { readAllStats, type ProcessStat } from './proc-stat.ts'

/** Processes may be started while others are moved: then it is tried again, so often. */
const rounds = 3

/**
 * Makes sure that groups made in the base have the controller.
 * @returns null when they have, else why not, to go on from "because"
 */
export async function enableController (place: CgroupPlace, controller: string): Promise<string | null> {
  const { base } = place
  if (names(base, 'cgroup.subtree_control').includes(controller)) return null
  if (!names(base, 'cgroup.controllers').includes(controller)) return `the control group ${base} has no ${controller} controller`
  for (let round = 1; ; round++) {
    const code = await writeSetting(join(base, 'cgroup.subtree_control'), `+${controller}`)
    if (code === null) return null
    // A group whose children have controllers may hold no processes itself: "no internal processes" of cgroups(7).
    if (code !== 'EBUSY' || round > rounds) return `the ${controller} controller can not be enabled in ${base} (${code})`
    const problem = await stepAside(place)
    if (problem !== null) return problem
  }
}

function names (folder: string, setting: string): string[] {
  return (readSetting(join(folder, setting)) ?? '').trim().split(/\s+/)
}

/** Moves what is in the base to a leaf of it, if all of it is this process, those that started it, or those it started. */
async function stepAside (place: CgroupPlace): Promise<string | null> {
  const pids = (readSetting(join(place.base, 'cgroup.procs')) ?? '').trim().split('\n').map(Number)
  const stranger = strangerAmong(pids, readAllStats(), process.pid)
  if (stranger !== null) return `process ${stranger}, which has nothing to do with this service, is in the same control group ${place.base}`
  const aside = join(place.base, asideName)
  // There already, or not to be made: entering it shows which.
  await mkdir(aside).catch(() => null)
  for (const pid of pids) await writeSetting(join(aside, 'cgroup.procs'), String(pid))
  place.own = aside
  return null
}

/** The first of the processes that is neither `self` nor an ancestor or descendant of it; null when there is none. Pure. */
export function strangerAmong (pids: readonly number[], all: readonly ProcessStat[], self: number): number | null {
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]))
  const lineOf = (pid: number) => {
    const line = [pid]
    for (let parent = parents.get(pid); parent !== undefined && parent > 0 && !line.includes(parent); parent = parents.get(parent)) line.push(parent)
    return line
  }
  const ancestors = lineOf(self)
  return pids.find(pid => !ancestors.includes(pid) && !lineOf(pid).includes(self) && parents.has(pid)) ?? null
}
