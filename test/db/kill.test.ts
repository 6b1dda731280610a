/** The embedded database and `kill -9`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openDatabase } from '../../db/client.ts'
import { eventually } from '../fixtures/eventually.ts'
import { silentLog } from '../fixtures/silent-log.ts'

const program = fileURLToPath(new URL('../fixtures/programs/writes-until-killed.ts', import.meta.url))
const kills = 30
// Each writer lives for a moment: optimised code of the embedded database would come too late for it.
const quickCompile = '--liftoff-only'
// And without what the test runner has its children load.
const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }

/** Runs the writer until it has acknowledged `wanted` rows, then kills it; every line it printed. */
async function writeAndKill (dataDir: string, wanted: number): Promise<string[]> {
  const writer = spawn(process.execPath, [quickCompile, program, dataDir], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(writer, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line)
    // What was printed before the kill is still read after it.
    if (lines.length === wanted + 1) writer.kill('SIGKILL')
  }
  await exited
  return lines
}

// Thirty starts take half a minute of processor time, and more on a busy machine.
t.setTimeout(240_000)

t.test(`a process killed ${kills} times while it writes has lost no acknowledged row`, async t => {
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-kill-'))
  t.teardown(() => rm(dataDir, { recursive: true, force: true }))
  await t.test('a kill while the database is made leaves nothing that stops the next start', async t => {
    const writer = spawn(process.execPath, [quickCompile, program, dataDir], { env, stdio: 'ignore' })
    const exited = once(writer, 'exit')
    await eventually(() => existsSync(join(dataDir, 'db.new', 'PG_VERSION')), 'the database is being made', 60_000)
    writer.kill('SIGKILL')
    await exited
    t.strictSame((await readdir(dataDir)).sort(), ['berth.sock', 'db', 'db.new'])
  })

  const acknowledged: string[] = []
  for (let round = 0; round < kills; round++) {
    const [found, ...ids] = await writeAndKill(dataDir, 1 + (round * 7) % 40)
    if (!(Number(found) >= acknowledged.length)) t.fail(`round ${round}: ${acknowledged.length} acknowledged, ${found} found`)
    acknowledged.push(...ids)
  }
  const { db, close } = await openDatabase({ dataDir, log: silentLog })
  t.teardown(close)
  const stored = new Set((await db.selectFrom('companies').select('id').execute()).map(row => row.id))
  t.strictSame(acknowledged.filter(id => !stored.has(id)), [])
  t.ok(acknowledged.length >= kills, `${acknowledged.length} rows were acknowledged`)
  // At most the three writes of one turn may be stored without their acknowledgement having got out.
  t.ok(stored.size - acknowledged.length <= kills * 3, `${stored.size} rows are stored`)
})
