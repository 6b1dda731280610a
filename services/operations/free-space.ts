/** The brake for a disk that fills: new work is refused while the data dir's file system has too little room left. */
import { statfs } from 'node:fs/promises'
import { InsufficientStorage } from '../errors.ts'

export interface SpaceState {
  /** False while new work is refused. */
  ok: boolean
  /** What the user of this process may still write, in bytes; null when that can't be told. */
  freeBytes: number | null
  /** What has to be free for new work; 0: nothing has. */
  neededBytes: number
}

export interface FreeSpace {
  /** As it was within the last second. */
  read (): Promise<SpaceState>
  /** @throws InsufficientStorage (507), saying how much is free and how much is needed */
  requireRoom (): Promise<void>
}

export interface FreeSpaceOptions {
  dataDir: string
  /** 0 turns the brake off. */
  minFreeBytes: number
  /** Milliseconds of a clock that is never set back. */
  clock?: () => number
  /** The free bytes of a file system by a path in it. */
  freeBytesOf?: (path: string) => Promise<number>
}

/** Asking costs some microseconds, but on a file system of the network a round trip. */
const keptMs = 1_000

async function statFreeBytes (path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** What there is for new work can't be told: then only the disk itself decides. */
const unknown = null

export function createFreeSpace ({ dataDir, minFreeBytes, clock = () => performance.now(), freeBytesOf = statFreeBytes }: FreeSpaceOptions): FreeSpace {
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<number | null> = Promise.resolve(unknown)

  async function read (): Promise<SpaceState> {
    if (clock() - readAt >= keptMs) {
      readAt = clock()
      reading = freeBytesOf(dataDir).catch(() => unknown)
    }
    const freeBytes = await reading
    return { ok: freeBytes === null || freeBytes >= minFreeBytes, freeBytes, neededBytes: minFreeBytes }
  }

  return {
    read,
    async requireRoom () {
      const { ok, freeBytes, neededBytes } = await read()
      if (ok) return
      throw new InsufficientStorage(`The disk is nearly full: ${inWords(freeBytes ?? 0)} of it are free, and new work needs ${inWords(neededBytes)}. Make room, or archive what is not needed any more: stopping, cancelling and archiving go on working.`, {
        members: { freeBytes, neededBytes },
        headers: { 'retry-after': '60' }
      })
    }
  }
}

function inWords (bytes: number): string {
  return bytes >= 10 * 1_048_576 ? `${Math.floor(bytes / 1_048_576)} MiB` : `${Math.floor(bytes / 1024)} KiB`
}
