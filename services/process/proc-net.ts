/** Who listens on a TCP port, from /proc/net/tcp{,6} by inode: no `lsof` or `ss` needed. */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readCommandLine } from './proc-stat.ts'

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

/** Asked for in small pieces, the kernel gives a line or two at a time and looks no further. */
const pieceBytes = 512

/**
 * Inodes of the sockets that listen on the port, from the head of a table: "it will first list all listening TCP sockets,
 * and next list all established TCP connections" (Linux, Documentation/networking/proc_net_tcp.rst).
 */
export function firstListeners (table: string, port: number): string[] {
  const piece = Buffer.alloc(pieceBytes)
  let text = ''
  const file = openOrNull(table)
  if (file === null) return []
  try {
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      text += piece.toString('latin1', 0, read)
      if (text.split('\n').slice(1, -1).some(line => fieldsOf(line).state !== listening)) break
    }
  } finally {
    closeSync(file)
  }
  return inodesIn(text.split('\n').slice(1), port)
}

function openOrNull (path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch {
    // No IPv6: no listeners to be seen there.
    return null
  }
}

function fieldsOf (line: string): { local: string, state: string, inode: string } {
  const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
  return { local, state, inode }
}

function inodesIn (lines: readonly string[], port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return lines.map(fieldsOf).filter(({ state, local, inode }) => state === listening && local.endsWith(wanted) && inode !== '').map(({ inode }) => inode)
}

/** The kernel takes 4 ms for each table, however few lines it has: both are asked for at once, beside our own thread. */
async function listeningInodes (port: number): Promise<Set<string>> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map(readLines))
  return new Set(inodesIn(tables.flat(), port))
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

/** Inodes of the sockets a process has open; empty when it may not be looked at. */
export function socketInodes (pid: number): string[] {
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
