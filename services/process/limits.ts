/** Memory and process limits of what is started, by its control group; and whether the kernel ended it for want of memory. */
import type { Cgroup } from './cgroup.ts'
import { hostCgroups, type Cgroups } from './cgroups.ts'
import type { ChildUser } from './child-user.ts'
import { enableController } from './controllers.ts'

export interface Limits {
  memoryBytes?: number | undefined
  /** Processes and threads together. */
  maxProcesses?: number | undefined
}

/** Why something ended of which `wasOutOfMemory` is true. */
export const outOfMemoryWords = 'It was ended by the kernel: it needed more memory than its limit.'

interface Wish {
  /** In words, for who asked. */
  what: string
  controller: string
  settings: [name: string, value: number][]
}

/**
 * Sets the limits on a group before anything enters it. What this host can't enforce does not stop the start.
 * @param group null where none could be made
 * @param user whom what enters it runs as; null: as this process
 * @returns null when all is enforced (or nothing was asked for), else a sentence that says what is not and why
 */
export async function applyLimits (cgroups: Cgroups, group: Cgroup | null, limits: Limits | undefined, user: ChildUser | null = null): Promise<string | null> {
  const wishes = wishesOf(limits)
  if (wishes.length === 0) return null
  const place = cgroups.place()
  if (group === null || place === null) return notEnforced(wishes, await cgroups.problem(user) ?? 'its control group could not be made')
  const problems: [Wish, string][] = []
  for (const wish of wishes) {
    const problem = await enableController(place, wish.controller) ?? await applyWish(group, wish)
    if (problem !== null) problems.push([wish, problem])
  }
  const [first] = problems
  return first === undefined ? null : notEnforced(problems.map(([wish]) => wish), first[1])
}

/**
 * True when the kernel ended processes of this mark because they needed more than their memory limit. To be asked after
 * an exit and before `terminate`, which removes the group and with it the count.
 */
export function wasOutOfMemory (mark: string | null, cgroups: Cgroups = hostCgroups): boolean {
  if (mark === null) return false
  return cgroups.find(mark).some(group => /^oom_kill [1-9]/m.test(group.read('memory.events') ?? ''))
}

function wishesOf ({ memoryBytes, maxProcesses }: Limits = {}): Wish[] {
  const wishes: Wish[] = []
  if (memoryBytes !== undefined) {
    // The whole tree ends, not the process the kernel happens to choose: half a service helps nobody.
    const settings: Wish['settings'] = [['memory.max', memoryBytes], ['memory.swap.max', 0], ['memory.oom.group', 1]]
    wishes.push({ what: 'memory', controller: 'memory', settings })
  }
  if (maxProcesses !== undefined) wishes.push({ what: 'the number of processes', controller: 'pids', settings: [['pids.max', maxProcesses]] })
  return wishes
}

/** Only the first setting is the limit; a kernel without swap accounting, or an old one, lacks the others. */
async function applyWish (group: Cgroup, { settings }: Wish): Promise<string | null> {
  let problem: string | null = null
  for (const [index, [name, value]] of settings.entries()) {
    const code = await group.write(name, value)
    if (index === 0 && code !== null) problem = `${name} can not be set (${code})`
  }
  return problem
}

function notEnforced (wishes: readonly Wish[], reason: string): string {
  return `The limit of ${wishes.map(({ what }) => what).join(' and of ')} is not enforced on this host: ${reason}.`
}
