/** Ports of services: kept for one service of one workspace over its restarts, never given twice. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../../db/client.ts'
import { ServiceStartFailed } from '../errors.ts'
import { canListen } from '../process/port-use.ts'
import { portOwner } from '../process/proc-net.ts'

export interface PortsDeps {
  db: Db
  hostId: string
  /** Both ends included; outside the kernel's range for outgoing connections. */
  range: { from: number, to: number }
  now: () => Date
}

export interface Ports {
  /**
   * The port kept for this holder: the same again, or a new one that is neither kept for another nor in use. A full
   * range gives up those of services that have not run for longest.
   * @throws ServiceStartFailed when the range has none left
   */
  reserve (holderKey: string): Promise<number>
  /**
   * Gives up a port that another program took, and keeps another one for the holder.
   * @throws ServiceStartFailed when the range has none left
   */
  reserveAnother (holderKey: string, taken: number): Promise<number>
  /** Gives the holder's port back; nothing happens when it has none. */
  release (holderKey: string): Promise<void>
}

/** A port is reserved before the row of its service is there; within this time it is. */
const claimMs = 60_000
/** A full range makes room for a few starts, not only for this one. */
const givenUpAtOnce = 20

export function createPorts ({ db, hostId, range, now }: PortsDeps): Ports {
  async function kept (holderKey: string): Promise<number | null> {
    const row = await db.updateTable('port_reservations').set({ last_used_at: now() })
      .where('host_id', '=', hostId).where('holder_key', '=', holderKey).returning('port').executeTakeFirst()
    return row?.port ?? null
  }

  async function reservedPorts (): Promise<Set<number>> {
    const rows = await db.selectFrom('port_reservations').select('port').where('host_id', '=', hostId)
      .where('port', '>=', range.from).where('port', '<=', range.to).execute()
    return new Set(rows.map(row => row.port))
  }

  /** False when somebody else was first with this port, or this holder with another. */
  async function insert (holderKey: string, port: number): Promise<boolean> {
    const at = now()
    const row = await db.insertInto('port_reservations')
      .values({ host_id: hostId, port, holder_key: holderKey, created_at: at, last_used_at: at })
      .onConflict(conflict => conflict.doNothing()).returning('port').executeTakeFirst()
    return row !== undefined
  }

  /** Null when every port is kept or in use. */
  async function tryNew (holderKey: string, avoid: number | null): Promise<number | null> {
    const reserved = await reservedPorts()
    for (const port of candidates(holderKey, range)) {
      if (port === avoid || reserved.has(port) || !await canListen(port)) continue
      if (await insert(holderKey, port)) return port
      const other = await kept(holderKey)
      if (other !== null) return other
    }
    return null
  }

  /** Takes the ports kept longest without use from services that do not run; false when there are none such. */
  async function giveUpStalest (): Promise<boolean> {
    const { rows } = await sql`
      delete from port_reservations where host_id = ${hostId} and port in (
        select port from port_reservations kept where host_id = ${hostId} and port between ${range.from} and ${range.to} and last_used_at < ${new Date(now().getTime() - claimMs)}
          and not exists (select from runtime_services where host_id = ${hostId} and status in ('starting', 'running', 'backing_off') and definition ->> 'holderKey' = kept.holder_key)
        order by last_used_at limit ${givenUpAtOnce}) returning port`.execute(db)
    return rows.length > 0
  }

  async function findNew (holderKey: string, avoid: number | null): Promise<number> {
    const port = await tryNew(holderKey, avoid) ?? (await giveUpStalest() ? await tryNew(holderKey, avoid) : null)
    if (port === null) throw new ServiceStartFailed(`No free port is left between ${range.from} and ${range.to}: widen BERTH_PORT_RANGE, or stop services`)
    return port
  }

  async function release (holderKey: string, port?: number): Promise<void> {
    await db.deleteFrom('port_reservations').where('host_id', '=', hostId).where('holder_key', '=', holderKey)
      .$if(port !== undefined, query => query.where('port', '=', port ?? 0)).execute()
  }

  return {
    reserve: async holderKey => await kept(holderKey) ?? await findNew(holderKey, null),
    reserveAnother: async (holderKey, taken) => {
      await release(holderKey, taken)
      return await findNew(holderKey, taken)
    },
    release: async holderKey => await release(holderKey)
  }
}

/**
 * Refuses a port on which somebody listens.
 * @throws ServiceStartFailed naming the owner: pid and command, where they can be known
 */
export async function assertFree (port: number): Promise<void> {
  if (await canListen(port)) return
  const owner = await portOwner(port)
  const who = owner?.pid == null
    ? 'a process of another user or outside of what can be seen from here'
    : `process ${owner.pid}${owner.command === null ? '' : ` (${owner.command})`}`
  throw new ServiceStartFailed(`Port ${port} is in use by ${who}`, { members: { port, portOwner: owner } })
}

/** Every port of the range once, beginning at a place that depends on the holder: the same service tends to the same port. */
function * candidates (holderKey: string, { from, to }: PortsDeps['range']): Generator<number> {
  const size = to - from + 1
  const first = createHash('sha256').update(holderKey).digest().readUInt32BE(0) % size
  for (let step = 0; step < size; step++) yield from + (first + step) % size
}
