/** Whether bytes could change between index and disk is answered yes when in doubt. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hasAttributes, settingsConvert, smudgesToDisk } from '../../../services/git/conversion.ts'
import { createFileReader } from '../../../services/git/file-state.ts'
import { createGit } from '../../../services/git/exec.ts'
import { readSettings } from '../../../services/git/settings.ts'
import { gitTestEnv, makeRepository, runGit } from '../../fixtures/git.ts'

const git = createGit({ env: gitTestEnv })

t.test('settings that make a difference are noticed', async t => {
  const settings = [['core.autocrlf', 'true'], ['core.autocrlf', 'input'], ['core.attributesFile', '/x'], ['core.fileMode', 'false'], ['core.symlinks', 'false']] as const
  for (const [key, value] of settings) {
    const root = await makeRepository(t)
    runGit(root, 'config', key, value)
    t.equal(await settingsConvert(await readSettings(git, root), join(root, '.git')), true, `${key}=${value}`)
  }
  const root = await makeRepository(t)
  mkdirSync(join(root, '.git/info'), { recursive: true })
  writeFileSync(join(root, '.git/info/attributes'), '* text\n')
  t.equal(await settingsConvert(await readSettings(git, root), join(root, '.git')), true, 'info/attributes')
})

t.test('attribute files are known by their name', t => {
  t.equal(hasAttributes(['a', 'b/.gitattributes']), true)
  t.equal(hasAttributes(['a', 'b.gitattributes', '.gitattributes/x']), false)
  t.end()
})

t.test('a filter is believed only when it makes exactly these bytes', async t => {
  const root = await makeRepository(t, { files: { '.gitattributes': '*.big filter=big\n', 'x.big': 'x' } })
  const content = Buffer.alloc(1_500_000)
  writeFileSync(join(root, 'x.big'), content)
  const file = await createFileReader(root, 'sha1').read('x.big')
  if (file === null) throw new Error('the file is there')
  const sha = runGit(root, 'rev-parse', 'HEAD:x.big')
  t.equal(await smudgesToDisk(git, root, sha, file), false, 'no filter yet')
  runGit(root, 'config', 'filter.big.smudge', 'head -c 1500000 /dev/zero')
  t.equal(await smudgesToDisk(git, root, sha, file), true)
  runGit(root, 'config', 'filter.big.smudge', 'head -c 1500001 /dev/zero')
  t.equal(await smudgesToDisk(git, root, sha, file), false)
  runGit(root, 'config', 'filter.big.smudge', 'false')
  runGit(root, 'config', 'filter.big.required', 'true')
  t.equal(await smudgesToDisk(git, root, sha, file), false, 'a filter that fails')
})
