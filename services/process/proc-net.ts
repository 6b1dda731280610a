/** Who listens on a TCP port, from /proc/net/tcp{,6} by inode: no `lsof` or `ss` needed. */
import { readdirSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hasProc, readCommandLine } from './proc-stat.ts'
import { findMembers, type Tree } from './tree.ts'

/** Connection state of a listening socket in /proc/net/tcp (tcp_states.h: TCP_LISTEN). */
const listening = '0A'

export interface PortOwner {
  /** Null when the listener belongs to another user or namespace and can't be named. */
  pid: number | null
  command: string | null
}

/** Who listens on the port of this machine: null when nobody does, or where there is no /proc. */
export async function portOwner (port: number): Promise<PortOwner | null> {
  const inodes = await listeningInodes(port)
  if (inodes.size === 0) return null
  const [pid] = holdersOf(inodes, allPids())
  return pid === undefined ? { pid: null, command: null } : { pid, command: readCommandLine(pid) }
}

/** Every process that holds a socket listening on the port; a forked server's workers all do. */
export async function listeningPids (port: number): Promise<number[]> {
  const inodes = await listeningInodes(port)
  return inodes.size === 0 ? [] : holdersOf(inodes, allPids())
}

/** True when anything listens on the port, nameable or not. */
export async function isListening (port: number): Promise<boolean> {
  return (await listeningInodes(port)).size > 0
}

/**
 * True when something listens on the port and every such socket, on whatever address, is held by a
 * process of the tree. Where there is no /proc it can't be known, and is taken for true.
 */
export async function ownsPort (tree: Tree, port: number): Promise<boolean> {
  if (!hasProc) return true
  const inodes = await listeningInodes(port)
  if (inodes.size === 0) return false
  const held = new Set<string>()
  for (const { pid } of findMembers(tree)) {
    for (const inode of socketInodes(pid)) held.add(inode)
  }
  return [...inodes].every(inode => held.has(inode))
}

/** The kernel takes 4 ms for each table, however few lines it has: both are asked for at once, beside our own thread. */
async function listeningInodes (port: number): Promise<Set<string>> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const inodes = new Set<string>()
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readLines))
  for (const line of tables.flat()) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    if (state === listening && inode !== undefined && local?.endsWith(wanted)) inodes.add(inode)
  }
  return inodes
}

async function readLines (path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'latin1')).split('\n').slice(1)
  } catch {
    // No IPv6, or no /proc: no listeners to be seen there.
    return []
  }
}

function holdersOf (inodes: ReadonlySet<string>, pids: readonly number[]): number[] {
  return pids.filter(pid => socketInodes(pid).some(inode => inodes.has(inode)))
}

function socketInodes (pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  const inodes: string[] = []
  for (const fd of listOf(folder)) {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(`${folder}/${fd}`))?.[1]
    if (inode !== undefined) inodes.push(inode)
  }
  return inodes
}

function allPids (): number[] {
  return listOf('/proc').map(Number).filter(Number.isSafeInteger)
}

function listOf (folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Another user's process, or gone since it was listed.
    return []
  }
}

function targetOf (link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    // Closed since it was listed.
    return ''
  }
}
