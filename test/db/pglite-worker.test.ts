/** The program of the embedded database's thread; what it does is tested through its users. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

t.test('outside of a worker thread it refuses to run', async t => {
  const program = fileURLToPath(new URL('../../db/pglite-worker.ts', import.meta.url))
  await t.rejects(promisify(execFile)(process.execPath, [program]), { code: 1, stderr: /runs in a worker thread only/ })
})
