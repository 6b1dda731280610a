import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { copyServiceLog } from '../../../services/runtime/log-copy.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { companyWithWorkspace, newRecorder, operationOf } from '../../fixtures/operations.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const { db } = await openTestDatabase(t, 'pglite')

t.test('what was printed since this start goes to the operation, masked, and not without end', async t => {
  const folder = await temporaryFolder(t, 'berth-log-copy-')
  const { recorder, logStore } = await newRecorder(db, folder)
  const op = await recorder.begin(operationOf(await companyWithWorkspace(db)))
  const before = 'of an older start\n'
  const path = join(folder, 'service.log')
  await writeFile(path, `${before}the token is tok-987654321\n${'x'.repeat(100)}\n`.concat('a line\n'.repeat(100_000)))
  await copyServiceLog(op, { path, fromByte: before.length }, { API_TOKEN: 'tok-987654321' })
  const { logBytes } = await op.finish({ status: 'succeeded' })
  const part = await logStore.read(op.log.logRef, { offset: 0, limitBytes: 2_000_000 })
  const text = JSON.stringify(part)
  t.match(text, /the token is /)
  t.notMatch(text, /tok-987654321|older start/)
  t.ok(Number(logBytes) > 200_000 && Number(logBytes) < 700_000, `${logBytes} bytes were copied`)
})

t.test('a service that printed nothing, or has no log, adds nothing', async t => {
  const folder = await temporaryFolder(t, 'berth-log-copy-')
  const { recorder } = await newRecorder(db, folder)
  const op = await recorder.begin(operationOf(await companyWithWorkspace(db)))
  await copyServiceLog(op, { path: join(folder, 'none.log'), fromByte: 0 }, {})
  t.match(await op.finish({ status: 'succeeded' }), { stdoutExcerpt: null })
})
