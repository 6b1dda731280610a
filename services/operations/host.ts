/** Who this process is among the hosts: an id that stays with the data dir, and a heart-beat that says it is alive. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from '../../db/client.ts'
import { beatHost, upsertHost } from '../../db/hosts.ts'
import { startRepeated } from './repeated.ts'

export interface Host {
  /** Stays the same over restarts. */
  id: string
  /** New with every start. */
  instanceId: string
}

export interface HostIdentity {
  dataDir: string
  /** For people: the machine's name. */
  name: string
  instanceId: string
}

/** Less than a third of what takes a host for dead soonest (its operations, after 18 s): two beats may get lost. */
export const heartbeatMs = 5_000

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

async function keptHostId (dataDir: string): Promise<string> {
  const path = join(dataDir, 'host-id')
  await mkdir(dataDir, { recursive: true })
  try {
    const fresh = randomUUID()
    await writeFile(path, `${fresh}\n`, { flag: 'wx', mode: 0o600 })
    return fresh
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const id = (await readFile(path, 'utf8')).trim()
  // A new id here would leave every workspace of this data dir without its host.
  if (!uuid.test(id)) throw new Error(`${path} does not hold a host id; put back the one in the table "hosts" whose data_dir is ${dataDir}, or remove the file if this data dir is new`)
  return id
}

/** Finds or makes this host's id (`<dataDir>/host-id`) and writes its row. Throws when the file holds something else. */
export async function ensureHost (db: Db, { dataDir, name, instanceId }: HostIdentity): Promise<Host> {
  const id = await keptHostId(dataDir)
  await upsertHost(db, { id, name, instanceId, pid: process.pid, dataDir })
  return { id, instanceId }
}

export interface HeartbeatOptions {
  db: Db
  hostId: string
  intervalMs?: number
  /** Told once when beats begin to fail, with the reason. */
  onFailure: (error: unknown) => void
}

/** Beats until stopped. The stop resolves when no beat is under way any more. */
export function startHeartbeat ({ db, hostId, intervalMs = heartbeatMs, onFailure }: HeartbeatOptions): () => Promise<void> {
  return startRepeated({ everyMs: intervalMs, look: async () => await beatHost(db, hostId), onFailure: (error, again) => { if (!again) onFailure(error) } })
}
