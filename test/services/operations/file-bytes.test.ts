/** Bytes of a file from a place on. */
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readFully } from '../../../services/operations/file-bytes.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('what was asked for is read, and no more than there is', async t => {
  const path = join(await temporaryFolder(t), 'file')
  await writeFile(path, '0123456789')
  const file = await open(path, 'r')
  t.teardown(() => file.close())
  const table: [number, number, string][] = [[0, 10, '0123456789'], [3, 4, '3456'], [8, 10, '89'], [10, 5, ''], [99, 5, ''], [2, 0, '']]
  for (const [position, length, expected] of table) t.equal(String(await readFully(file, position, length)), expected, `${length} from ${position}`)
})
