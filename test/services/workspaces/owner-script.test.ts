/** Commands that name a script of the repository run the owner's copy of it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { resolveOwnerScript, scriptOf } from '../../../services/workspaces/owner-script.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

test('the script a command begins with', async t => {
  const named = (command: string): string | undefined => scriptOf(command)?.path
  t.equal(named('./setup.sh'), 'setup.sh')
  t.equal(named('  bash ./scripts/setup.sh --fast'), 'scripts/setup.sh')
  t.equal(named('sh "./a/../setup.sh" x'), 'setup.sh')
  for (const command of ['npm ci', 'setup.sh', 'bash setup.sh', './../x', 'cd x && ./setup.sh', 'python ./x', './x;rm y', './$(x)', './']) t.equal(named(command), undefined, command)
})

test('the owner\'s copy stands in its place, with its arguments, quoted', async t => {
  const root = join(await temporaryFolder(t), "it's here")
  await mkdir(join(root, 'folder'), { recursive: true })
  await writeFile(join(root, 'setup.sh'), '')
  const path = join(root, 'setup.sh')
  t.same(await resolveOwnerScript('bash ./setup.sh --fast "a b"', root), { command: `bash '${path.replace("'", "'\\''")}' --fast "a b"`, script: path })
  for (const [command, repoRoot] of [['./missing.sh', root], ['./folder', root], ['./setup.sh', null], ['npm ci', root]] as const) {
    t.same(await resolveOwnerScript(command, repoRoot), { command, script: null })
  }
})
