/** The archives are tar's own: GNU tar reads them, names are bytes, large numbers fit, damage is seen. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeHeader, encodeHeader, tarEnd, tarPadding, type TarHeader } from '../../../services/folders/tar-format.ts'
import { readTar } from '../../../services/folders/tar-read.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const plain: TarHeader = { name: './file', type: '0', mode: 0o640, uid: 1000, gid: 1000, size: 0, mtimeSec: 1_700_000_000, target: '' }

function archiveOf (...entries: { header: Partial<TarHeader>, content?: string }[]): Buffer {
  return Buffer.concat([...entries.flatMap(({ header, content = '' }) => [encodeHeader({ ...plain, ...header, size: content.length }), Buffer.from(content), tarPadding(content.length)]), tarEnd])
}

/** The bytes in pieces of an awkward size, as a network might give them. */
async function * inPieces (bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function readAll (bytes: Buffer, size = 7): Promise<{ header: TarHeader, content: string }[]> {
  const items = []
  for await (const { header, content } of readTar(inPieces(bytes, size))) {
    const chunks = []
    for await (const chunk of content) chunks.push(chunk)
    items.push({ header, content: Buffer.concat(chunks).toString() })
  }
  return items
}

t.test('what is written is read again, in pieces of any size', async t => {
  const long = `./${'long/'.repeat(60)}n\xe9\xff\n`
  const archive = archiveOf({ header: {}, content: 'hello' }, { header: { name: long }, content: 'x'.repeat(512) }, { header: { name: './link', type: '2', target: 't'.repeat(300) } })
  for (const size of [7, 512, 100_000]) {
    t.match(await readAll(archive, size), [
      { header: { name: './file', mode: 0o640, uid: 1000, mtimeSec: 1_700_000_000 }, content: 'hello' },
      { header: { name: long, size: 512 }, content: 'x'.repeat(512) },
      { header: { name: './link', type: '2', target: 't'.repeat(300) } }
    ])
  }
  const passedOver = []
  for await (const { header } of readTar(inPieces(archive, 100))) passedOver.push(header.name)
  t.same(passedOver, ['./file', long, './link'], 'contents may be passed over')
})

t.test('GNU tar unpacks it, names that are no UTF-8 too', async t => {
  const folder = await temporaryFolder(t)
  const name = `${'deep/'.repeat(30)}n\xe9\xff`
  writeFileSync(join(folder, 'a.tar'), archiveOf({ header: { name: './d/', type: '5', mode: 0o700 } }, { header: { name: `./d/${name}` }, content: 'bytes' }, { header: { name: './d/l', type: '2', target: 'x'.repeat(120) } }))
  execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder })
  t.same(readdirSync(Buffer.concat([Buffer.from(`${folder}/d/`), Buffer.from('deep/'.repeat(30))]), { encoding: 'buffer' }), [Buffer.from('n\xe9\xff', 'latin1')])
  t.equal(readlinkSync(join(folder, 'd/l')), 'x'.repeat(120))
})

t.test('numbers that are too large for octal digits fit', async t => {
  const large = { ...plain, size: 20 * 2 ** 30, uid: 4_000_000_000 }
  t.match(decodeHeader(encodeHeader(large)), large)
})

t.test('damage and a missing end are errors, never a shorter archive', async t => {
  const archive = archiveOf({ header: {}, content: 'hello' })
  await t.rejects(readAll(archive.subarray(0, 515)), { message: /cut short/ })
  await t.rejects(readAll(archive.subarray(0, 1024)), { message: /cut short/ })
  const damaged = Buffer.from(archive)
  damaged[3] = 0x41
  await t.rejects(readAll(damaged), { message: /checksum/ })
})
