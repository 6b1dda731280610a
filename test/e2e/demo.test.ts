/** The demo: it ends well, says its steps, and leaves nothing behind. */
import { execFile, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { eventually } from '../fixtures/processes.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const run = promisify(execFile)

t.test('the demo runs the main job and leaves no file', async t => {
  const folder = await temporaryFolder(t, 'berth-demo-')
  const demo = fileURLToPath(new URL('../../cli/demo.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [demo], { timeout: 120_000, env: { ...process.env, DATABASE_URL: '', TMPDIR: folder } })
  t.match(stdout, /one process, pid \d+, at http:/)
  t.match(stdout, /goes: The worktree at/)
  t.match(stdout, /\d+ files under refs\/berth\/rescue\//)
  t.match(stdout, /files\/notes\.txt → an untracked thought/)
  t.match(stdout, /notes\.txt is back, byte for byte/)
  t.match(stdout, /the dev server runs again: Hello, friend/)
  t.match(stdout, /nothing is left behind\.\n$/)
  t.same(await readdir(folder), [])
})

t.test('a Ctrl+C in the terminal ends the demo that was left up, its dev server too', async t => {
  const folder = await temporaryFolder(t, 'berth-demo-kept-')
  const demo = fileURLToPath(new URL('../../cli/demo.ts', import.meta.url))
  const child = spawn(process.execPath, [demo, '--keep'], { detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, DATABASE_URL: '', TMPDIR: folder } })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => { told += chunk.toString() })
  await eventually(() => told.includes('Press Ctrl+C'), 'the demo says that it is left up', 100_000)
  const devServer = /dev server (http:\S+),/.exec(told)?.[1] ?? ''
  t.equal((await fetch(devServer)).status, 200)
  // What a terminal does: the signal goes to everybody in the foreground group.
  process.kill(-(child.pid ?? 0), 'SIGINT')
  t.equal(await ended, 130)
  await t.rejects(fetch(devServer), 'nobody answers there any more')
})
