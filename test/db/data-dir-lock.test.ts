/** One process per data dir. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { DataDirLocked, lockDataDir } from '../../db/data-dir-lock.ts'

const program = fileURLToPath(new URL('../fixtures/programs/holds-data-dir.ts', import.meta.url))

async function folder (t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'berth-lock-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Starts a process that locks the data dir; resolves with the first line it prints. */
async function holder (t: Test, dataDir: string): Promise<{ child: ChildProcess, line: string }> {
  const child = spawn(process.execPath, [program, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line') as [string]
  return { child, line }
}

t.test('a second process is refused and told who holds the data dir and since when', async t => {
  const dataDir = await folder(t)
  const before = new Date().toISOString()
  const { child, line } = await holder(t, dataDir)
  t.equal(line, 'locked')
  const error: unknown = await lockDataDir(dataDir).catch((error: unknown) => error)
  t.ok(error instanceof DataDirLocked)
  t.equal((error as DataDirLocked).pid, child.pid)
  t.match(String(error), new RegExp(`${dataDir} is in use by process ${child.pid} since `))
  const since = /since (\S+Z)\./.exec(String(error))?.[1] ?? ''
  t.ok(before <= since && since <= new Date().toISOString(), since)
  t.strictSame(await readdir(dataDir), ['berth.sock'], 'the refused one left nothing')

  child.stdin?.end('end')
  await once(child, 'exit')
  const lock = await lockDataDir(dataDir)
  await lock.release()
  t.strictSame(await readdir(dataDir), [], 'released without a trace')
})

t.test('a stopped holder is still the holder', async t => {
  const dataDir = await folder(t)
  const { child } = await holder(t, dataDir)
  child.kill('SIGSTOP')
  await t.rejects(lockDataDir(dataDir), { name: 'DataDirLocked', message: /does not answer/ })
})

t.test('the lock of a killed process is taken over, by exactly one of many', async t => {
  const dataDir = await folder(t)
  for (let round = 0; round < 5; round++) {
    const { child } = await holder(t, dataDir)
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Each begins a little later, so that some find the dead socket while others already replace it.
    const results = await Promise.allSettled(Array.from({ length: 25 }, async (_, index) => {
      for (let turn = 0; turn < index; turn++) await nextTurn()
      return await lockDataDir(dataDir)
    }))
    const locks = results.flatMap(result => result.status === 'fulfilled' ? [result.value] : [])
    t.equal(locks.length, 1)
    for (const result of results) if (result.status === 'rejected') t.ok(result.reason instanceof DataDirLocked, String(result.reason))
    t.strictSame(await readdir(dataDir), ['berth.sock'])
    await locks[0]?.release()
  }
})

t.test('the same process is refused too until it has released, and may release twice', async t => {
  const dataDir = await folder(t)
  const lock = await lockDataDir(dataDir)
  await t.rejects(lockDataDir(dataDir), { name: 'DataDirLocked', pid: process.pid })
  await Promise.all([lock.release(), lock.release()])
  await (await lockDataDir(dataDir)).release()
})

t.test('a missing data dir is made, and its path may be longer than a socket\'s', async t => {
  const parent = await folder(t)
  const dataDir = join(parent, 'a'.repeat(150), 'b'.repeat(150))
  const lock = await lockDataDir(dataDir)
  t.strictSame(await readdir(dataDir), ['berth.sock'])
  await t.rejects(lockDataDir(dataDir), { name: 'DataDirLocked' })
  await lock.release()
})

t.test('a data dir that is a file is an error', async t => {
  const parent = await folder(t)
  await mkdir(join(parent, 'dir'))
  await t.rejects(lockDataDir('/proc/version'))
})
