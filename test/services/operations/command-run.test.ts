import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { finishOf, runCommand, type CommandRunOptions, type CommandResult } from '../../../services/operations/command-run.ts'
import type { OperationHandle } from '../../../services/operations/recorder.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'
import { findMembers, isAlive, readIdentity } from '../../../services/process/tree.ts'
import { whyNoLimits } from '../../fixtures/cgroups.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'

interface Line { stream: string, chunk: string }

const { db } = await openTestDatabase(t, 'pglite')
const ids = await companyWithWorkspace(db)
const path = process.env.PATH ?? ''

interface Run {
  result: CommandResult
  operation: Awaited<ReturnType<OperationHandle['finish']>>
  lines: Line[]
  cwd: string
}

/** Runs a command under a new operation, finishes it by its result and reads its log. */
async function run (t: Test, command: string, extra: Partial<CommandRunOptions> = {}, begun: (op: OperationHandle, cwd: string) => void = () => {}): Promise<Run> {
  const cwd = t.testdir({ logs: {}, work: {} })
  const { recorder } = await newRecorder(db, cwd, { maxBytes: 100_000 })
  const op = await recorder.begin(operationOf(ids, { command, cwd }))
  begun(op, join(cwd, 'work'))
  const result = await runCommand({ op, command, cwd: join(cwd, 'work'), env: { PATH: path }, timeoutMs: 60_000, graceMs: 2_000, ...extra })
  const operation = await op.finish(finishOf(op, result))
  const content = await readFile(join(cwd, 'logs', op.log.logRef), 'utf8')
  return { result, operation, cwd: join(cwd, 'work'), lines: content.split('\n').filter(Boolean).map(line => JSON.parse(line) as Line) }
}

const text = (lines: readonly Line[], stream: string): string => lines.filter(line => line.stream === stream).map(({ chunk }) => chunk).join('')

/** The pid a command wrote into a file of its folder. */
async function pidIn (file: string): Promise<number> {
  await eventually(async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'), `a pid in ${file}`)
  return Number(await readFile(file, 'utf8'))
}

t.test('a command that ends well is succeeded, with its output by stream', async t => {
  const { result, operation, lines } = await run(t, 'echo out; echo err >&2; pwd', {})
  t.match(result, { exitCode: 0, signal: null, outcome: 'exited', stop: null })
  t.match(operation, { status: 'succeeded', exitCode: 0, stderrExcerpt: 'err\n' })
  t.match(text(lines, 'stdout'), /^out\n.*work\n$/)
  t.equal(text(lines, 'stderr'), 'err\n')
  t.equal(text(lines, 'system'), '')
})

t.test('a command that exits non-zero or by a signal is failed, and tells how', async t => {
  t.match((await run(t, 'exit 3')).operation, { status: 'failed', exitCode: 3 })
  t.match((await run(t, 'kill -9 $$')).operation, { status: 'failed', exitCode: null, metadata: { exitSignal: 'SIGKILL' } })
})

t.test('all output is there, however much of it comes at the end', async t => {
  const { lines, operation } = await run(t, 'i=0; while [ $i -lt 2000 ]; do echo "line $i of the output"; i=$((i+1)); done')
  t.ok(text(lines, 'stdout').endsWith('line 1999 of the output\n'))
  t.equal(text(lines, 'stdout').split('\n').length, 2001)
  t.ok(operation.stdoutExcerpt?.endsWith('line 1999 of the output\n'))
})

t.test('a command that prints more than the log takes goes on to its end', async t => {
  const { result, operation } = await run(t, 'head -c 3000000 /dev/zero | tr "\\\\0" x; echo; echo the end; exit 4')
  t.equal(result.exitCode, 4)
  t.match(operation, { metadata: { logCapped: true }, exitCode: 4 })
  t.ok(operation.stdoutExcerpt?.endsWith('the end\n'))
})

t.test('its log is readable while it runs, its process is stored', async t => {
  const controller = new AbortController()
  let op: OperationHandle | undefined
  let folder = ''
  const running = run(t, 'echo $$ > pid; echo started; sleep 60', { signal: controller.signal }, (begun, cwd) => {
    op = begun
    folder = cwd
  })
  await eventually(() => op?.log.excerpt('stdout') === 'started\n', 'the first line')
  const pid = await pidIn(join(folder, 'pid'))
  await eventually(async () => (await db.selectFrom('workspace_operations').select('process_id').where('id', '=', op?.id ?? '').executeTakeFirst())?.process_id === pid, 'the stored pid')
  controller.abort()
  t.match(await running, { result: { outcome: 'cancelled' }, operation: { status: 'cancelled' } })
})

t.test('secrets of its environment are masked, the mark is in its environment', async t => {
  const { lines, operation } = await run(t, 'echo "key $MY_API_KEY"; [ "$BERTH_SPAWN_MARK" = "" ] || echo marked', { env: { PATH: path, MY_API_KEY: 'very-secret-1' } })
  t.equal(text(lines, 'stdout'), 'key ***\nmarked\n')
  t.equal(operation.stdoutExcerpt, 'key ***\nmarked\n')
})

t.test('a time-out ends the whole tree, and names the timer', async t => {
  const { result, operation, cwd, lines } = await run(t, 'echo begun; sleep 300 & echo $! > pid; wait', { timeoutMs: 300, timeoutName: 'timeoutSec' })
  t.equal(result.outcome, 'timed_out')
  t.match(operation, { status: 'timed_out', stdoutExcerpt: 'begun\n', metadata: { timer: { name: 'timeoutSec', sec: 0.3 }, stop: { survivors: [] } } })
  t.match(text(lines, 'system'), 'longer than 0.3 s (timeoutSec)')
  t.equal(readIdentity(await pidIn(join(cwd, 'pid'))), null)
})

t.test('a command that ignores the stop signal is killed after its grace time', async t => {
  const { result } = await run(t, 'trap "" TERM; echo ready; while :; do sleep 0.05; done', { timeoutMs: 200, graceMs: 100 })
  t.match(result, { outcome: 'timed_out', stop: { forced: true, survivors: [] } })
})

t.test('being told to end makes it cancelled, a stopping service interrupted', async t => {
  const cwd = t.testdir({})
  for (const [reason, status] of [[new Error('by hand'), 'cancelled'], [new ServiceStopping(), 'interrupted']] as const) {
    const { recorder } = await newRecorder(db, cwd)
    const { operation } = await recorder.run(operationOf(ids), async op => {
      const running = runCommand({ op, command: 'echo on; sleep 300', cwd, env: { PATH: path }, timeoutMs: null })
      await eventually(() => op.log.excerpt('stdout') !== null, 'the first line')
      const ending = recorder.endAll(reason, 10_000)
      await op.finish(finishOf(op, await running))
      await ending
    })
    t.equal(operation.status, status)
  }
})

t.test('one that is told to end before it begins is not begun', async t => {
  const controller = new AbortController()
  controller.abort(new Error('not any more'))
  await t.rejects(run(t, 'echo never', { signal: controller.signal }), /not any more/)
})

t.test('what a command leaves running is ended, whether it holds the output or not', async t => {
  for (const left of ['sleep 300 & echo $! > pid', 'sleep 300 >/dev/null 2>&1 & echo $! > pid', 'setsid sh -c "echo \\$\\$ > pid; exec sleep 300" & while [ ! -s pid ]; do :; done']) {
    const { result, operation, cwd, lines } = await run(t, `${left}; echo done`)
    t.match(result, { exitCode: 0, outcome: 'exited', stop: { survivors: [] } })
    t.equal(operation.status, 'succeeded')
    t.equal(text(lines, 'stdout'), 'done\n')
    t.match(text(lines, 'system'), 'left a process running')
    t.equal(readIdentity(await pidIn(join(cwd, 'pid'))), null)
  }
})

t.test('a process out of reach that holds the output does not hold up the end', { skip: process.platform !== 'linux' }, async t => {
  // No mark, no session, no parent: nothing tells that it belongs to the command.
  const { result, cwd, lines } = await run(t, 'setsid env -i /bin/sh -c \'echo $$ > pid; exec sleep 300\' & while [ ! -s pid ]; do :; done; echo done')
  const pid = await pidIn(join(cwd, 'pid'))
  const identity = readIdentity(pid)
  t.teardown(() => { if (identity !== null && isAlive(identity)) process.kill(pid, 'SIGKILL') })
  t.match(result, { exitCode: 0, outcome: 'exited' })
  t.equal(text(lines, 'stdout'), 'done\n')
})

t.test('two commands of one operation end apart, and both are found by its mark', async t => {
  const cwd = t.testdir({})
  const { recorder } = await newRecorder(db, cwd)
  const op = await recorder.begin(operationOf(ids))
  const start = async (command: string) => await runCommand({ op, command, cwd, env: { PATH: path }, timeoutMs: 60_000 })
  const first = start('while [ ! -s pid ]; do sleep 0.02; done')
  const second = start('echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; echo went')
  const pid = await pidIn(join(cwd, 'pid'))
  t.match(await first, { exitCode: 0, stop: null }, 'it takes nothing of the later one for its own')
  await eventually(() => findMembers({ root: null, mark: op.mark }).some(member => member.pid === pid), 'the operation finds it')
  await writeFile(join(cwd, 'go'), '')
  t.match(await second, { exitCode: 0, outcome: 'exited' })
  t.equal(op.log.excerpt('stdout'), 'went\n')
  await op.finish({ status: 'succeeded' })
})

t.test('limits that can not be enforced are told in the log, in one line', async t => {
  const { operation, lines } = await run(t, 'echo on', { limits: { memoryBytes: 1_073_741_824, maxProcesses: 100 } })
  t.match(operation, { status: 'succeeded', stdoutExcerpt: 'on\n' })
  const reason = await whyNoLimits()
  t.equal(text(lines, 'system'), reason === false ? '' : `${reason}\n`)
})

t.test('a command that needs more memory than its limit is ended by the kernel, with all it started', { skip: await whyNoLimits() }, async t => {
  const { result, operation, lines } = await run(t, 'head -c 400000000 /dev/zero | tail -n 1 | wc -c', { limits: { memoryBytes: 67_108_864 } })
  t.match(result, { outOfMemory: true, signal: 'SIGKILL' })
  t.match(operation, { status: 'failed', metadata: { exitReason: /more memory than its limit/ } })
  t.match(text(lines, 'system'), /more memory than its limit/)
})

t.test('a command ended for want of memory says why', async t => {
  const { recorder } = await newRecorder(db, t.testdir({}))
  const op = await recorder.begin(operationOf(ids))
  t.match(finishOf(op, { exitCode: null, signal: 'SIGKILL', outcome: 'exited', timer: null, outOfMemory: true, stop: null }), {
    status: 'failed', metadata: { exitSignal: 'SIGKILL', exitReason: /more memory than its limit/ }
  })
  await op.finish({ status: 'failed' })
})

t.test('a command that can not be started says so', async t => {
  await t.rejects(run(t, 'echo x', { cwd: '/does/not/exist' }), { code: 'command_not_started' })
})

t.test('a survivor makes the operation failed, never quietly succeeded', async t => {
  const { recorder } = await newRecorder(db, t.testdir({}))
  const op = await recorder.begin(operationOf(ids))
  const stop = { membersBefore: [1], survivors: [1], forced: true, portFree: null, durationMs: 1 }
  t.match(finishOf(op, { exitCode: 0, signal: null, outcome: 'exited', timer: null, outOfMemory: false, stop }), { status: 'failed', metadata: { code: 'stop_incomplete', stop } })
  await op.finish({ status: 'succeeded' })
})
