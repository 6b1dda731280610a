import { createHash, randomUUID } from 'node:crypto'
import { appendFile, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Conflict } from '../../../services/errors.ts'
import { createOperations } from '../../../services/operations/operations.ts'
import type { OperationHandle } from '../../../services/operations/recorder.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

await onBothDatabases(t, 'the recorder', async (t, { db }) => {
  const ids = await companyWithWorkspace(db)
  const input = (extra = {}) => operationOf(ids, extra)

  await t.test('stores an operation with its mark and log before anything happens, and its result at the end', async t => {
    const dataDir = t.testdir({})
    const { recorder, logStore, hostId } = await newRecorder(db, dataDir)
    const heartbeatRunId = randomUUID()
    const op = await recorder.begin(input({ phase: 'workspace_teardown', command: 'curl -H "Authorization: Bearer abc.def.ghi" x', cwd: '/somewhere', heartbeatRunId, metadata: { action: 'stop' } }))
    const row = await db.selectFrom('workspace_operations').selectAll().where('id', '=', op.id).executeTakeFirstOrThrow()
    t.match(row, { status: 'running', spawn_mark: op.mark, host_id: hostId, log_store: 'local_file', log_ref: op.log.logRef, command: 'curl -H "Authorization: Bearer ***" x', cwd: '/somewhere', heartbeat_run_id: heartbeatRunId, metadata: { action: 'stop' }, finished_at: null, log_bytes: null })
    t.equal((await logStore.read(op.log.logRef, { offset: 0, limitBytes: 10 }))?.content, '')
    await op.attachProcess({ pid: 4242, startTime: '777' })
    op.annotate({ count: 1 })
    await op.log.write('stdout', 'out\0 host-token-1\n')
    await op.log.write('stderr', 'err')
    const operation = await op.finish({ status: 'failed', exitCode: 3, metadata: { last: 'yes\ud800' } })
    const content = await readFile(join(dataDir, 'logs', op.log.logRef))
    t.match(operation, {
      id: op.id,
      phase: 'workspace_teardown',
      status: 'failed',
      exitCode: 3,
      logBytes: content.length,
      logSha256: createHash('sha256').update(content).digest('hex'),
      logCompressed: false,
      stdoutExcerpt: 'out\uFFFD ***\n',
      stderrExcerpt: 'err',
      metadata: { action: 'stop', count: 1, last: 'yes\uFFFD' }
    })
    t.ok(operation.finishedAt)
    t.same(await op.finish({ status: 'succeeded' }), operation, 'the first end holds')
    t.match(await db.selectFrom('workspace_operations').select(['process_id', 'pid_start_time', 'status']).where('id', '=', op.id).executeTakeFirst(), { process_id: 4242, pid_start_time: '777', status: 'failed' })
  })

  await t.test('leaves no log behind when the row can not be stored', async t => {
    const dataDir = t.testdir({})
    const { recorder } = await newRecorder(db, dataDir)
    await t.rejects(recorder.begin(input({ companyId: randomUUID() })))
    const files = await readdir(join(dataDir, 'logs'), { recursive: true })
    t.same(files.filter(name => name.endsWith('.ndjson')), [])
  })

  await t.test('records a step that succeeds, with what it noted', async t => {
    const { recorder } = await newRecorder(db, t.testdir({}))
    const { value, operation } = await recorder.run(input(), async op => {
      op.annotate({ services: 2 })
      return 'value'
    })
    t.equal(value, 'value')
    t.match(operation, { status: 'succeeded', exitCode: null, metadata: { services: 2 }, stdoutExcerpt: null })
  })

  await t.test('records a step that fails, and what it threw names the operation', async t => {
    const { recorder, logStore } = await newRecorder(db, t.testdir({}))
    const problem = new Conflict('in the way')
    await t.rejects(recorder.run(input(), async () => { throw problem }), problem)
    const operations = createOperations({ db, logStore })
    const failed = await operations.get(problem.members.operationId ?? '')
    t.match(failed, { status: 'failed', metadata: { error: { code: 'conflict', detail: 'in the way' } } })
    t.match(await (failed && operations.readLog(failed, {})), { content: /"stream":"system","chunk":"in the way\\n"/, nextOffset: null })
    await t.rejects(recorder.run(input(), async () => { throw new Error('no problem') }), /no problem/)
  })

  await t.test('keeps the end a step has given itself', async t => {
    const { recorder } = await newRecorder(db, t.testdir({}))
    const { operation } = await recorder.run(input(), async op => { await op.finish({ status: 'timed_out', exitCode: null }) })
    t.equal(operation.status, 'timed_out')
    let own: OperationHandle | undefined
    const late = new Conflict('after the end')
    await t.rejects(recorder.run(input(), async op => {
      own = op
      await op.finish({ status: 'failed', exitCode: 9 })
      throw late
    }), late)
    t.equal(late.members.operationId, own?.id)
    t.match(await own?.finished, { status: 'failed', exitCode: 9 })
  })

  await t.test('records what was skipped, with the reason', async t => {
    const { recorder, logStore } = await newRecorder(db, t.testdir({}))
    const operation = await recorder.skip(input({ phase: 'worktree_cleanup' }), 'there is no worktree')
    t.match(operation, { status: 'skipped', phase: 'worktree_cleanup', metadata: { reason: 'there is no worktree' } })
    t.match(await createOperations({ db, logStore }).readLog(operation, {}), { content: /there is no worktree/ })
  })

  await t.test('an operation that somebody else has ended stays as it was ended', async t => {
    const { recorder } = await newRecorder(db, t.testdir({}))
    const op = await recorder.begin(input())
    t.match(await recorder.interrupt(op.id, { reason: 'from outside' }), { status: 'interrupted' })
    t.equal((await op.finish({ status: 'succeeded' })).status, 'interrupted')
    t.equal(await recorder.interrupt(op.id, { reason: 'again' }), null)
  })

  await t.test('what a crash left is found by the next process of the host, and interrupted with what its log tells', async t => {
    const dataDir = t.testdir({})
    const crashed = await newRecorder(db, dataDir)
    const op = await crashed.recorder.begin(input({ metadata: { kept: true } }))
    await op.attachProcess({ pid: 4242, startTime: '777' })
    await op.log.write('stdout', 'so far\n')
    const path = join(dataDir, 'logs', op.log.logRef)
    await eventually(async () => (await readFile(path, 'utf8')).endsWith('\n'), 'the line')
    const whole = await readFile(path)
    await appendFile(path, '{"ts":"')
    const { recorder } = await newRecorder(db, dataDir, { hostId: crashed.hostId })
    const own = await recorder.begin(input())
    t.same(await recorder.unfinished(), [{ id: op.id, companyId: ids.companyId, executionWorkspaceId: ids.workspaceId, projectWorkspaceId: null, phase: 'workspace_provision', status: 'running', mark: op.mark, process: { pid: 4242, startTime: '777' }, metadata: { kept: true } }], 'operations of this process are not among them')
    const interrupted = await recorder.interrupt(op.id, { reason: 'The service ended.', metadata: { ended: [4242] } })
    t.match(interrupted, {
      status: 'interrupted',
      logBytes: whole.length,
      logSha256: createHash('sha256').update(whole).digest('hex'),
      stdoutExcerpt: 'so far\n',
      stderrExcerpt: null,
      metadata: { kept: true, ended: [4242], reason: 'The service ended.' }
    })
    t.same(await recorder.unfinished(), [])
    await own.finish({ status: 'succeeded' })
  })

  await t.test('all operations can be told to end: those under way, and those that begin later', async t => {
    const { recorder, warnings } = await newRecorder(db, t.testdir({}))
    const step = async (op: OperationHandle): Promise<void> => {
      if (!op.signal.aborted) await new Promise(resolve => op.signal.addEventListener('abort', resolve, { once: true }))
      op.signal.throwIfAborted()
    }
    const begun = Promise.withResolvers<string>()
    const running = recorder.run(input(), async op => {
      begun.resolve(op.id)
      await step(op)
    })
    running.catch(() => {})
    const id = await begun.promise
    await recorder.endAll(new ServiceStopping(), 10_000)
    t.match(await db.selectFrom('workspace_operations').select('status').where('id', '=', id).executeTakeFirst(), { status: 'interrupted' })
    await t.rejects(running, { code: 'unavailable' })
    await t.rejects(recorder.run(input(), step), { code: 'unavailable', members: {} })
    const deaf = await recorder.begin(input())
    await recorder.endAll(new ServiceStopping(), 5)
    t.match(warnings, [/still under way/])
    await deaf.finish({ status: 'cancelled' })
  })

  await t.test('a capped log is noted in the metadata', async t => {
    const { recorder } = await newRecorder(db, t.testdir({}), { maxBytes: 5000 })
    const { operation } = await recorder.run(input(), async op => { await op.log.write('stdout', 'x'.repeat(10_000)) })
    t.match(operation, { status: 'succeeded', metadata: { logCapped: true } })
    t.ok((operation.logBytes ?? 0) <= 5000)
  })
})
