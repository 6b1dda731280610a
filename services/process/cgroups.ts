/** The control groups of what this host has started: one for each mark, in which its processes stay wherever they go. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { cgroupAt, codeOf, type Cgroup } from './cgroup.ts'
import { cgroupEntry } from './cgroup-entry.ts'
import { cgroupPlace, type CgroupPlace } from './cgroup-place.ts'
import type { ChildUser } from './child-user.ts'
import { launchHere } from './launch.ts'

export interface Cgroups {
  /** Makes the group of a mark, for processes of `user`; null where this host has no room for it, see `problem`. */
  make (mark: string, user?: ChildUser | null): Promise<Cgroup | null>
  /** The groups of a mark that are there, and of marks made from it (`<mark>.…`), whichever process made them. */
  find (mark: string): Cgroup[]
  /** Why none can be made, in words; null when they can. The first call for a user tries it out. */
  problem (user?: ChildUser | null): Promise<string | null>
  /** Where groups are made; null where /proc names no place. */
  place (): CgroupPlace | null
}

export interface CgroupsOptions {
  /** For tests: a folder that stands in for /proc. */
  procFolder?: string
}

const prefix = 'berth-'
/** Only what can stand in a folder's name and in a shell's quotes. */
const usableMark = /^[\w.-]{1,150}$/
/** What a crash left behind is removed; a younger one may be about to be entered. */
const leftoverAfterMs = 60_000

export function createCgroups ({ procFolder = '/proc' }: CgroupsOptions = {}): Cgroups {
  let found: CgroupPlace | string | null = null
  const tried = new Map<number | null, Promise<string | null>>()

  const placeOrReason = () => (found ??= readPlace(procFolder))
  const place = () => {
    const known = placeOrReason()
    return typeof known === 'string' ? null : known
  }
  const problem = async (user: ChildUser | null = null) => {
    const known = placeOrReason()
    if (typeof known === 'string') return known
    const key = user?.uid ?? null
    const trial = tried.get(key) ?? tryOut(known.base, user)
    tried.set(key, trial)
    return await trial
  }

  async function make (mark: string, user: ChildUser | null = null): Promise<Cgroup | null> {
    const at = place()
    if (at === null || !usableMark.test(mark) || await problem(user) !== null) return null
    const folder = join(at.base, prefix + mark)
    const code = await mkdir(folder).then(() => null, codeOf)
    return code === null || code === 'EEXIST' ? cgroupAt(folder) : null
  }

  return {
    make,
    problem,
    place,
    find: mark => findBelow(place()?.base ?? null, mark)
  }
}

/** This host's. Nothing is looked at before it is asked. */
export const hostCgroups = createCgroups()

function readPlace (procFolder: string): CgroupPlace | string {
  try {
    return cgroupPlace(readFileSync(join(procFolder, 'self/cgroup'), 'utf8'), readFileSync(join(procFolder, 'self/mountinfo'), 'utf8'))
  } catch {
    // Not Linux, or hidden.
    return 'this host has no control groups'
  }
}

function findBelow (base: string | null, mark: string): Cgroup[] {
  if (base === null || !usableMark.test(mark)) return []
  const name = prefix + mark
  try {
    return readdirSync(base).filter(entry => entry === name || entry.startsWith(`${name}.`)).map(entry => cgroupAt(join(base, entry)))
  } catch {
    // The base is gone, and so is all that was in it.
    return []
  }
}

/** Makes a group and lets a shell enter it: rights and kinds of groups can't be told more surely. Null when it works. */
async function tryOut (base: string, user: ChildUser | null): Promise<string | null> {
  const group = cgroupAt(join(base, `${prefix}try-${randomUUID()}`))
  try {
    await mkdir(group.folder)
  } catch (error) {
    return `no control group can be made in ${base} (${codeOf(error)})`
  }
  try {
    if (!await enters(group, user)) return `processes${user === null ? '' : ` of ${user.name}`} can not be moved to a control group in ${base}`
  } finally {
    await group.remove()
  }
  await removeLeftovers(base)
  return null
}

/** Whether a shell of the user's can go into the group. */
async function enters (group: Cgroup, user: ChildUser | null): Promise<boolean> {
  try {
    const { command, opens } = cgroupEntry(group, user)
    const { exited } = await launchHere({ file: '/bin/sh', args: ['-c', command], cwd: '/', env: {}, input: 'none', output: { toFile: devNull }, user, opens })
    return (await exited).code === 0
  } catch {
    // The file can't be opened, or the shell not be started.
    return false
  }
}

async function removeLeftovers (base: string): Promise<void> {
  const names = await readdir(base).catch(() => [])
  for (const name of names.filter(name => name.startsWith(prefix))) {
    const folder = join(base, name)
    const made = await stat(folder).catch(() => null)
    // One with a process in it stays by itself.
    if (made !== null && Date.now() - made.mtimeMs > leftoverAfterMs && cgroupAt(folder).pids().length === 0) await cgroupAt(folder).remove()
  }
}
