import { randomUUID } from 'node:crypto'
import { access, mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { NewRow } from '../../../db/tables.ts'
import { compressDueLogs } from '../../../services/operations/log-upkeep.ts'
import { removeExpired, removeSharedExpired, type RetentionTimes } from '../../../services/operations/retention.ts'
import { removeStrayLogs } from '../../../services/operations/stray-logs.ts'
import { removeServiceLogs } from '../../../services/runtime/log-retention.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'
import { insertServiceRow } from '../../fixtures/service-rows.ts'

const forever = new AbortController().signal
const now = () => new Date('2026-06-01T00:00:00Z')
const daysAgo = (days: number) => new Date(now().getTime() - days * 86_400_000)
const exists = async (path: string) => await access(path).then(() => true, () => false)

await onBothDatabases(t, 'what is past its time', async (t, { db }) => {
  const dataDir = t.testdir({})
  const { recorder, logStore, hostId, warnings } = await newRecorder(db, dataDir)

  async function ended (days: number, { output = 'x'.repeat(9000), ...columns }: { output?: string } & Partial<NewRow<'workspace_operations'>> = {}, ids?: Awaited<ReturnType<typeof companyWithWorkspace>>) {
    const op = await recorder.begin(operationOf(ids ?? await companyWithWorkspace(db)))
    await op.log.write('stdout', output)
    await op.finish({ status: 'succeeded' })
    await db.updateTable('workspace_operations').set({ finished_at: daysAgo(days), ...columns }).where('id', '=', op.id).execute()
    return { id: op.id, path: logStore.pathOf(op.log.logRef), logRef: op.log.logRef }
  }
  const rowOf = async (id: string) => await db.selectFrom('workspace_operations').selectAll().where('id', '=', id).executeTakeFirst()
  const remove = async (times: Partial<RetentionTimes>) => {
    const deps = { db, hostId, logStore, times: { logDays: null, operationDays: null, eventDays: null, activityDays: null, ...times }, now }
    return { ...await removeExpired(deps, forever), ...await removeSharedExpired(deps, forever) }
  }

  await t.test('logs are compressed some time after their end, and read as before', async t => {
    const [due, small, fresh, damaged] = [await ended(2), await ended(2, { output: 'short' }), await ended(0.1), await ended(3)]
    await writeFile(damaged.path, 'x'.repeat(5000))
    const before = await logStore.read(due.logRef, { offset: 100, limitBytes: 20_000 })
    const deps = { db, hostId, logStore, compressAfterMs: 86_400_000, now, log: { warn: (_fields: object, message: string) => { warnings.push(message) } } }
    t.equal(await compressDueLogs(deps, forever), 1)
    t.same(warnings.splice(0), ['a log can not be compressed'], 'the one whose content is another is left')
    t.equal(await compressDueLogs(deps, AbortSignal.abort()), 0)
    t.match(await rowOf(due.id), { log_compressed: true, log_ref: due.logRef })
    t.notOk(await exists(due.path))
    t.same(await logStore.read(due.logRef, { offset: 100, limitBytes: 20_000 }), before)
    t.ok(await logStore.exists(due.logRef))
    for (const { id, path } of [small, fresh, damaged]) {
      t.match(await rowOf(id), { log_compressed: false })
      t.ok(await exists(path))
    }
    await logStore.remove(due.logRef)
    t.notOk(await logStore.exists(due.logRef))
  })

  await t.test('logs go after their days, or after those their project says; the operation stays and tells what it had', async t => {
    const long = await companyWithWorkspace(db)
    const short = await companyWithWorkspace(db)
    const senseless = await companyWithWorkspace(db)
    for (const [{ projectId }, days] of [[long, 400], [short, 5], [senseless, -1]] as const) {
      await db.updateTable('projects').set({ execution_workspace_policy: JSON.stringify({ cleanupPolicy: { retainLogDays: days } }) }).where('id', '=', projectId).execute()
    }
    const [old, fresh, kept, gone, normal] = [await ended(31), await ended(29), await ended(100, {}, long), await ended(6, {}, short), await ended(1, {}, senseless)]
    const running = await recorder.begin(operationOf(long))
    t.match(await remove({ logDays: 30 }), { operations: 0, activity: 0 })
    for (const { id, logRef } of [old, gone]) {
      t.match(await rowOf(id), { log_ref: null, log_store: null, log_sha256: /^[0-9a-f]{64}$/ })
      t.notOk(await logStore.exists(logRef))
    }
    for (const { id, logRef } of [fresh, kept, normal]) {
      t.match(await rowOf(id), { log_ref: logRef })
      t.ok(await logStore.exists(logRef))
    }
    t.ok(await logStore.exists(running.log.logRef))
    await running.finish({ status: 'succeeded' })
    await db.updateTable('projects').set({ execution_workspace_policy: null }).execute()
    t.same(await remove({}), { operationLogs: 0, operations: 0, events: 0, activity: 0 }, 'where nothing has an end nothing goes')
  })

  await t.test('operations go with their logs, not what runs, nor what reopening a workspace needs, nor those of other hosts', async t => {
    const ids = await companyWithWorkspace(db)
    await db.updateTable('execution_workspaces').set({ rescue: JSON.stringify({ ref: 'refs/berth/rescue/x' }) }).where('id', '=', ids.workspaceId).execute()
    const many = await Promise.all(Array.from({ length: 3 }, async () => await ended(200)))
    const rescue = await ended(200, { phase: 'workspace_rescue' }, ids)
    const provision = await ended(200, {}, ids)
    const running = await ended(200, { status: 'running' })
    const others = await ended(200, { host_id: null })
    t.ok((await remove({ operationDays: 90 })).operations >= 4)
    for (const { id, path } of [...many, provision]) {
      t.equal(await rowOf(id), undefined)
      t.notOk(await exists(path))
    }
    for (const { id } of [rescue, running, others]) t.ok(await rowOf(id))
  })

  await t.test('activity goes only when asked, the oldest first', async t => {
    const entry = async (days: number) => await db.insertInto('activity_log').values({ id: randomUUID(), company_id: randomUUID(), actor_type: 'system', action: 'x', entity_type: 'x', entity_id: 'x', created_at: daysAgo(days) }).execute()
    for (const days of [400, 399, 10]) await entry(days)
    t.match(await remove({ logDays: 1 }), { activity: 0 })
    t.match(await remove({ activityDays: 365 }), { activity: 2 })
    t.equal((await db.selectFrom('activity_log').select('id').execute()).length, 1)
  })

  await t.test('files no operation names go once they are old', async t => {
    const known = await ended(0)
    const strayOf = async (days: number, end = '') => {
      const path = logStore.pathOf(logStore.refOf(randomUUID())) + end
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, 'x')
      await utimes(path, daysAgo(days), daysAgo(days))
      return path
    }
    const strays = [await strayOf(40), await strayOf(40, '.gz'), await strayOf(40, '.gz.new')]
    const fresh = await strayOf(0)
    await utimes(known.path, daysAgo(40), daysAgo(40))
    await writeFile(join(dirname(known.path), 'notes.txt'), 'not ours')
    t.equal(await removeStrayLogs({ db, dataDir }, daysAgo(30), forever), 3)
    for (const path of strays) t.notOk(await exists(path))
    for (const path of [fresh, known.path, join(dirname(known.path), 'notes.txt')]) t.ok(await exists(path))
    t.equal(await removeStrayLogs({ db, dataDir: join(dataDir, 'none') }, daysAgo(30), forever), 0)
  })

  await t.test('logs of services go once nothing was written to them for so long, except that of a start that goes on', async t => {
    const [live, over] = [await insertServiceRow(db, { attempt: 2 }), await insertServiceRow(db, { status: 'stopped', log_ref: 'x' })]
    const fileOf = async (id: string, attempt: number, days: number) => {
      const path = join(dataDir, 'logs', 'services', `${id}.${attempt}.log`)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, 'x')
      await utimes(path, daysAgo(days), daysAgo(days))
      return path
    }
    const gone = [await fileOf(live.id, 1, 40), await fileOf(over.id, 1, 40), await fileOf(randomUUID(), 3, 40)]
    const kept = [await fileOf(live.id, 2, 40), await fileOf(over.id, 2, 1)]
    await writeFile(`${gone[0]}.from`, '0')
    const deps = { db, dataDir, logDays: 30, now }
    t.equal(await removeServiceLogs({ ...deps, logDays: null }, forever), 0)
    t.equal(await removeServiceLogs(deps, forever), 3)
    for (const path of [...gone, `${gone[0]}.from`]) t.notOk(await exists(path))
    for (const path of kept) t.ok(await exists(path))
    t.match(await db.selectFrom('runtime_services').select('log_ref').where('id', '=', over.id).executeTakeFirst(), { log_ref: null })
  })
})
