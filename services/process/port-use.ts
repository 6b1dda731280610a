/** Whether a port is free, asked of the kernel by listening on it for a moment: far cheaper than reading its tables. */
import { createServer } from 'node:net'
import { isListening } from './proc-net.ts'

/** True when a server could listen on the port now, on any address. */
export async function canListen (port: number): Promise<boolean> {
  const code = await listenError(port, '::')
  // Without IPv6 the other wildcard decides.
  const decisive = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' ? await listenError(port, '0.0.0.0') : code
  return decisive !== 'EADDRINUSE'
}

/**
 * True when somebody listens on the port. A port that can't be had for another reason, such as connections of a
 * server that ended a moment ago, does not count. (/proc/net/tcp takes 5 ms to read, so it is asked second.)
 */
export async function isListenedOn (port: number): Promise<boolean> {
  return !await canListen(port) && await isListening(port)
}

async function listenError (port: number, host: string): Promise<string | null> {
  return await new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve('code' in error ? String(error.code) : error.message))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)))
  })
}
