/** The demo: it ends well, says its steps, and leaves nothing behind. */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const run = promisify(execFile)

t.test('the demo runs the main job and leaves no file', async t => {
  const folder = await temporaryFolder(t, 'berth-demo-')
  const demo = fileURLToPath(new URL('../../cli/demo.ts', import.meta.url))
  const { stdout } = await run(process.execPath, [demo], { timeout: 120_000, env: { ...process.env, DATABASE_URL: '', TMPDIR: folder } })
  t.match(stdout, /one process, pid \d+, at http:/)
  t.match(stdout, /notes\.txt is back, byte for byte/)
  t.match(stdout, /nothing is left behind\.\n$/)
  t.same(await readdir(folder), [])
})
