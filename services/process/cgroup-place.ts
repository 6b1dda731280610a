/** Where control groups (cgroup v2) can be made: below this process's own, as /proc tells. Pure. */
import { basename, dirname, join } from 'node:path'

/** The folder groups are made in, and this process's own group: the same, or a leaf of it that we moved to. */
export interface CgroupPlace {
  base: string
  own: string
}

/**
 * The group this process steps aside to where the kernel demands that a group with limits below it holds no processes itself.
 * A later start that finds itself there goes on with the same base; systemd's `DelegateSubgroup=` may name it too.
 */
export const asideName = 'berth-self'

/**
 * Finds the place from the texts of /proc/self/cgroup and /proc/self/mountinfo (proc_pid_cgroup(5), proc_pid_mountinfo(5)).
 * @returns the place, or in words why there is none
 */
export function cgroupPlace (selfCgroup: string, mountInfo: string): CgroupPlace | string {
  const path = /^0::(\/.*)$/m.exec(selfCgroup)?.[1]
  if (path === undefined) return 'this process is in no control group of version 2'
  if (path === '/..' || path.startsWith('/../') || path.endsWith(' (deleted)')) return 'the control group of this process can not be seen from here'
  for (const { root, mountPoint } of cgroupMounts(mountInfo)) {
    const below = pathBelow(path, root)
    if (below === null) continue
    const own = below === '/' ? mountPoint : join(mountPoint, below)
    return { own, base: basename(own) === asideName ? dirname(own) : own }
  }
  return 'control groups of version 2 are not mounted'
}

/** The mounts of type cgroup2: what they show, and where. */
function cgroupMounts (mountInfo: string): { root: string, mountPoint: string }[] {
  return mountInfo.split('\n').flatMap(line => {
    const [place = '', kind = ''] = line.split(' - ')
    const [, , , root, mountPoint] = place.split(' ')
    return kind.startsWith('cgroup2 ') && root !== undefined && mountPoint !== undefined ? [{ root: unescaped(root), mountPoint: unescaped(mountPoint) }] : []
  })
}

/** A mount may show only a part of the tree, as in containers without a namespace of their own. */
function pathBelow (path: string, root: string): string | null {
  if (root === '/') return path
  if (path === root) return '/'
  return path.startsWith(`${root}/`) ? path.slice(root.length) : null
}

/** Blanks, tabs, line ends and backslashes are written in octal. */
function unescaped (text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
