/** Why the service can't start, in one line for the person who starts it. */
import { portOwner } from '../services/process/proc-net.ts'

interface SystemError extends Error { code?: string, address?: string, port?: number, path?: string }

/** One line: what is wrong and what to do about it. Errors of ours already say both. */
export async function explainStartFailure (error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error)
  const { code, address, port, path, message } = error as SystemError
  switch (code) {
    case 'EADDRINUSE': return `port ${port} at ${address} is in use${await ownerOf(port)}. End that program, or choose another BERTH_PORT.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND': return `this machine has no address ${address ?? ''}. Check BERTH_HOST.`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': return path === undefined ? `not allowed to listen on port ${port}. Choose another BERTH_PORT.` : `no permission for ${path}. Check BERTH_DATA_DIR and who runs the service.`
    case 'ENOSPC': return `no space left on the device of ${path ?? 'the data dir'}.`
    case 'ENOTDIR':
    case 'EEXIST': return `${path ?? 'the data dir'} is not a folder. Check BERTH_DATA_DIR.`
    default: return oneLine(message)
  }
}

async function ownerOf (port: number | undefined): Promise<string> {
  if (port === undefined) return ''
  try {
    const owner = await portOwner(port)
    if (owner === null || owner.pid === null) return ''
    return ` by process ${owner.pid}${owner.command === null ? '' : ` (${oneLine(owner.command).slice(0, 100)})`}`
  } catch {
    // /proc may be hidden; the port is in use all the same.
    return ''
  }
}

function oneLine (text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
