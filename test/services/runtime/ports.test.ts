import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { Db } from '../../../db/client.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { canListen } from '../../../services/process/port-use.ts'
import { assertFree, createPorts, type Ports } from '../../../services/runtime/ports.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'
import { freePort, listenHere, startProgram } from '../../fixtures/processes.ts'

async function portsOf (db: Db, range: { from: number, to: number }, now = () => new Date()): Promise<Ports & { hostId: string }> {
  const hostId = randomUUID()
  await db.insertInto('hosts').values({ id: hostId, name: 'here', instance_id: randomUUID(), pid: process.pid, data_dir: '/nonexistent' }).execute()
  return { hostId, ...createPorts({ db, hostId, range, now }) }
}

/** A range of ports nobody listens on, away from those the kernel gives out. */
async function quietRange (size: number): Promise<{ from: number, to: number }> {
  for (let from = 21_000 + (process.pid % 500) * 10; from < 32_000; from += size) {
    const all = await Promise.all(Array.from({ length: size }, async (_, at) => !await canListen(from + at)))
    if (!all.includes(true)) return { from, to: from + size - 1 }
  }
  throw new Error('no quiet range of ports on this machine')
}

await onBothDatabases(t, 'reservations', async (t, { db }) => {
  await t.test('a holder keeps its port', async t => {
    let time = new Date('2026-01-01T00:00:00Z')
    const ports = await portsOf(db, await quietRange(10), () => time)
    const port = await ports.reserve('a')
    time = new Date('2026-01-02T00:00:00Z')
    t.equal(await ports.reserve('a'), port)
    const row = await db.selectFrom('port_reservations').selectAll().where('host_id', '=', ports.hostId).executeTakeFirstOrThrow()
    t.match(row, { port, holder_key: 'a', last_used_at: time })
  })

  await t.test('no port is given twice, and a full range says so', async t => {
    const range = await quietRange(5)
    const ports = await portsOf(db, range)
    const given = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(ports.reserve))
    t.equal(new Set(given).size, 5)
    t.ok(given.every(port => port >= range.from && port <= range.to))
    await t.rejects(ports.reserve('f'), { code: 'service_start_failed', message: new RegExp(`${range.from}.*${range.to}`) })
    await ports.release('c')
    t.equal(await ports.reserve('f'), given[2], 'what was given back is given again')
  })

  await t.test('a full range gives up what services that do not run have kept for longest', async t => {
    let time = new Date('2026-01-01T00:00:00Z')
    const range = await quietRange(3)
    const ports = await portsOf(db, range, () => time)
    const { companyId } = await companyWithWorkspace(db)
    const [oldest, running, recent] = [await ports.reserve('oldest'), await ports.reserve('running'), await ports.reserve('recent')]
    await db.insertInto('runtime_services').values({
      id: randomUUID(), company_id: companyId, scope_type: 'run', service_name: 'web', status: 'running', lifecycle: 'shared', identity_key: 'k', provider: 'local_process', health_status: 'unknown', host_id: ports.hostId, definition: JSON.stringify({ holderKey: 'running' })
    }).execute()
    time = new Date('2026-01-01T00:00:59Z')
    await t.rejects(ports.reserve('new'), { message: /widen BERTH_PORT_RANGE/ }, 'what was just reserved may be about to start')
    await ports.reserve('recent')
    time = new Date('2026-01-01T00:01:01Z')
    t.equal(await ports.reserve('new'), oldest)
    t.same([await ports.reserve('running'), await ports.reserve('recent')], [running, recent])
  })

  await t.test('twenty at once for one holder get one port', async t => {
    const ports = await portsOf(db, await quietRange(30))
    const given = await Promise.all(Array.from({ length: 20 }, () => ports.reserve('same')))
    t.equal(new Set(given).size, 1)
  })

  await t.test('a port that is really in use is passed over', async t => {
    const range = await quietRange(2)
    await listenHere(t, { port: range.from })
    const ports = await portsOf(db, range)
    t.equal(await ports.reserve('a'), range.to)
    await t.rejects(ports.reserve('b'), { code: 'service_start_failed' })
  })

  await t.test('a port lost to another program is replaced by another one', async t => {
    const ports = await portsOf(db, await quietRange(5))
    const lost = await ports.reserve('a')
    const next = await ports.reserveAnother('a', lost)
    t.not(next, lost)
    t.equal(await ports.reserve('a'), next)
    t.equal(await ports.reserveAnother('a', lost), next, 'a port that was replaced already is not replaced again')
  })

  await t.test('hosts keep their ports apart, and holders get the same number where they can', async t => {
    const range = await quietRange(10)
    const [here, there] = [await portsOf(db, range), await portsOf(db, range)]
    t.equal(await here.reserve('a'), await there.reserve('a'))
    await here.release('a')
    await here.release('a')
    t.equal((await db.selectFrom('port_reservations').select('port').where('host_id', '=', there.hostId).execute()).length, 1)
  })
})

t.test('a free port is let through, one in use is refused', async t => {
  await t.resolves(assertFree(await freePort()))
  const port = await listenHere(t)
  await t.rejects(assertFree(port), { code: 'service_start_failed', message: new RegExp(`Port ${port} is in use`) })
})

t.test('who uses a port is named', { skip: !hasProc && 'needs /proc' }, async t => {
  const port = await freePort()
  const { process: owner, says } = await startProgram(t, 'http-server.js', { env: { PORT: String(port) } })
  await says(/listening/)
  await t.rejects(assertFree(port), { message: new RegExp(`process ${owner.pid} \\(.*http-server\\.js\\)`), members: { port, portOwner: { pid: owner.pid } } })
})
