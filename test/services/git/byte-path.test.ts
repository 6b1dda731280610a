/** Paths keep their bytes on every way. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { baseNameOf, quoteBytes, toDisplay, toFsPath } from '../../../services/git/byte-path.ts'
import { createGit } from '../../../services/git/exec.ts'
import { gitTestEnv, makeRepository } from '../../fixtures/git.ts'

t.test('a path becomes bytes for the file system and text for people', t => {
  t.same(toFsPath('/röot', 'a\xff'), Buffer.concat([Buffer.from('/röot/a'), Buffer.from([0xff])]))
  t.equal(toDisplay(Buffer.from('ü/🚀').toString('latin1')), 'ü/🚀')
  t.equal(toDisplay('a\xff'), 'a\ufffd')
  t.equal(baseNameOf('a/b/c'), 'c')
  t.equal(baseNameOf('c'), 'c')
  t.end()
})

t.test('quoted paths hold only plain characters', t => {
  t.equal(quoteBytes('a b"c\\d\ne\xff'), '"a b\\042c\\134d\\012e\\377"')
  fc.assert(fc.property(fc.uint8Array(), bytes => /^"[ !#-[\]-~\\0-7]*"$/.test(quoteBytes(Buffer.from(bytes).toString('latin1')))))
  t.end()
})

t.test('git reads a quoted path as the bytes it was', async t => {
  const root = await makeRepository(t)
  const name = Array.from({ length: 255 }, (_, n) => String.fromCharCode(n + 1)).filter(char => char !== '/').join('')
  writeFileSync(toFsPath(root, name.slice(0, 200)), 'all bytes')
  writeFileSync(join(root, 'plain'), 'all bytes')
  const git = createGit({ env: gitTestEnv })
  const { stdout } = await git(['hash-object', '--stdin-paths'], { cwd: root, input: `${quoteBytes(name.slice(0, 200))}\nplain\n` })
  const [odd, plain] = stdout.split('\n')
  t.equal(odd, plain)
})
