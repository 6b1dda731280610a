import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../services/access/actor.ts'
import { makeHarbour } from './fixtures/archive.ts'
import { openTestDatabase } from './fixtures/database.ts'
const { db } = await openTestDatabase(t, 'pglite')
const calls: string[] = []
const { archive, addWorkspace } = await makeHarbour(t, { db, git: real => Object.assign(async (...a: Parameters<typeof real>) => { calls.push(a[0].join(' ').slice(0, 90)); return await real(...a) }, { async bytes (...a: Parameters<typeof real.bytes>) { calls.push('B ' + a[0].join(' ').slice(0, 90)); return await real.bytes(...a) } }) })
const { id, path } = await addWorkspace('feature')
await writeFile(join(path, 'notes.txt'), 'a thought\n')
for (const step of ['closeReadiness', 'archive', 'restore'] as const) {
  calls.length = 0
  const at = performance.now()
  await archive[step](localBoard, id)
  console.error(step, Math.round(performance.now() - at), calls.length); console.error(calls.join('\n'))
}
