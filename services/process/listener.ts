/** Whose server listens on a port: the tree's own, or somebody else's. */
import { connect } from 'node:net'
import { firstListeners, socketInodes } from './proc-net.ts'
import { hasProc } from './proc-stat.ts'
import { descendantsOf, findMembers, type Tree } from './tree.ts'

/** Whose server a port has: of the tree, with all sockets that listen there; of somebody else too; or nobody's. */
export type Listener = 'own' | 'foreign' | 'none'

/**
 * Whose listener the port has on this machine's IPv4 addresses and on `::1`: quick enough to be asked while something
 * boots. Where there is no /proc it can't be known, and is taken for the tree's own.
 */
export async function listenerOf (tree: Tree, port: number): Promise<Listener> {
  if (!hasProc) return 'own'
  const inodes = new Set(firstListeners('/proc/net/tcp', port))
  // Without an IPv6 listener reading that table takes 4 ms; a refused connection tells it in a tenth of one.
  if (await accepts('::1', port)) for (const inode of firstListeners('/proc/net/tcp6', port)) inodes.add(inode)
  if (inodes.size === 0) return 'none'
  return isHeldBy(inodes, likelyHolders(tree)) ? 'own' : 'foreign'
}

/** The root itself and its children, mostly; only where these don't have it all processes are gone through. */
function * likelyHolders (tree: Tree): Generator<number, void, undefined> {
  if (tree.root !== null) yield * descendantsOf(tree.root)
  for (const { pid } of findMembers(tree)) yield pid
}

/** Whether these processes have all the sockets among them; no more of them are looked at than it takes. */
function isHeldBy (inodes: ReadonlySet<string>, pids: Iterable<number>): boolean {
  const missing = new Set(inodes)
  for (const pid of pids) {
    for (const inode of socketInodes(pid)) missing.delete(inode)
    if (missing.size === 0) return true
  }
  return false
}

async function accepts (host: string, port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
