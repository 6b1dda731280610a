/** A restore that fails in the middle takes back what it made, and loses nothing of it. */
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { readRescue } from '../../../services/archive/rescue-record.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'

t.test('a disk that fails while files are put back: archived as before, and the next try succeeds', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  let failsIn: string | null = null
  const { archive, addWorkspace, read, repo, operations } = await makeHarbour(t, {
    db,
    git: real => Object.assign(async (...args: Parameters<typeof real>) => await real(...args), {
      ...real,
      async bytes (...[args, options]: Parameters<typeof real.bytes>) {
        if (args[0] === 'ls-tree' && options.cwd === failsIn) {
          await writeFile(join(failsIn, 'meanwhile.txt'), 'written in between\n')
          failsIn = null
          throw new Error('the disk is on fire')
        }
        return await real.bytes(args, options)
      }
    })
  })
  const { id, path } = await addWorkspace('feature')
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  await archive.archive(localBoard, id)
  failsIn = path
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed', statusCode: 422, message: /on fire/, members: { operationId: String } })
  t.match(await read(id), { status: 'archived', cleanup_reason: null })
  t.notOk(existsSync(path))
  t.notMatch(runGit(repo, 'worktree', 'list', '--porcelain'), path)
  t.same((await operations(id)).at(-1), 'workspace_restore failed')
  const [kept = ''] = readRescue(await read(id)).earlierRefs
  t.equal(runGit(repo, 'show', `${kept}^3:meanwhile.txt`), 'written in between')

  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'notes.txt'), 'utf8'), 'a thought\n')
})
