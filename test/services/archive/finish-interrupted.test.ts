/** Archives and restores cut off at each of their steps: the next start finishes them, and nothing is lost. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { readRescue, writeRescue, type RescueRecord } from '../../../services/archive/rescue-record.ts'
import { takeSnapshot } from '../../../services/git/rescue.ts'
import { makeHarbour, type Harbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { runGit } from '../../fixtures/git.ts'

// One repository for all: each test has a branch, a worktree and a workspace of its own in it.
const { db } = await openTestDatabase(t, 'pglite')
const harbour = await makeHarbour(t, { db })
let count = 0

interface CutOff extends Harbour {
  branch: string
  id: string
  path: string
  aside: string
  /** The row as a killed process left it. */
  leave (record: Partial<RescueRecord>): Promise<void>
  finish (): Promise<{ status: string, cleanup_reason: string | null }>
}

/** A worktree with unfinished work and its snapshot, `archiving`. */
async function cutOff (): Promise<CutOff> {
  const branch = `feature-${++count}`
  const { id, path } = await harbour.addWorkspace(branch)
  await writeFile(join(path, 'notes.txt'), 'a thought\n')
  const snapshot = await takeSnapshot(harbour.git, { repoRoot: harbour.repo, worktreePath: path, workspaceId: id })
  return {
    ...harbour,
    branch,
    id,
    path,
    aside: asidePathOf(path, id),
    async leave (record) {
      const rescue = writeRescue({ ...readRescue({ rescue: null }), snapshot, ...record })
      await db.updateTable('execution_workspaces').set({ status: 'archiving', rescue }).where('id', '=', id).execute()
    },
    finish: async () => await harbour.archive.finishInterrupted(await harbour.read(id))
  }
}

async function assertArchived (t: Test, { finish, id, path, aside, repo, operations }: CutOff): Promise<void> {
  t.match(await finish(), { status: 'archived', cleanup_reason: null })
  t.notOk(existsSync(path))
  t.notOk(existsSync(aside))
  t.notMatch(runGit(repo, 'worktree', 'list', '--porcelain'), path)
  t.notOk((await operations(id)).some(operation => operation.endsWith('running')))
  t.equal(runGit(repo, 'show', `refs/berth/rescue/${id}^3:notes.txt`), 'a thought', 'the work is in the snapshot')
}

t.test('cut off before anything was done', async t => {
  const cut = await cutOff()
  await db.updateTable('execution_workspaces').set({ status: 'archiving', rescue: null }).where('id', '=', cut.id).execute()
  await assertArchived(t, cut)
})

t.test('cut off after the commands: they do not run twice', async t => {
  const cut = await cutOff()
  await db.updateTable('execution_workspaces').set({ config: JSON.stringify({ cleanupCommand: `touch ${join(cut.dataDir, 'ran')}` }) }).where('id', '=', cut.id).execute()
  await cut.leave({ commandsDone: true })
  await assertArchived(t, cut)
  t.notOk(existsSync(join(cut.dataDir, 'ran')))
})

t.test('cut off after the commands: what they made of the files is kept, and a restore brings what was there before them', async t => {
  const cut = await cutOff()
  await cut.leave({ commandsBegun: true, commandsDone: true })
  await writeFile(join(cut.path, 'notes.txt'), 'made worse by a command\n')
  await assertArchived(t, cut)
  t.equal(runGit(cut.repo, 'show', `refs/berth/rescue/${cut.id}-last^3:notes.txt`), 'made worse by a command')
  await cut.archive.restore(localBoard, cut.id)
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n')
})

t.test('cut off before the rename', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside })
  await assertArchived(t, cut)
})

t.test('cut off after the rename: the folder comes back and the archive goes on', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside })
  await rename(cut.path, cut.aside)
  await assertArchived(t, cut)
})

t.test('cut off after the rename, and something new stands in its place: both stay', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside })
  await rename(cut.path, cut.aside)
  await mkdir(cut.path)
  await writeFile(join(cut.path, 'new'), 'new\n')
  t.match(await cut.finish(), { status: 'cleanup_failed', cleanup_reason: /made anew/ })
  t.equal(readFileSync(join(cut.aside, 'notes.txt'), 'utf8'), 'a thought\n')
  t.equal(readFileSync(join(cut.path, 'new'), 'utf8'), 'new\n')
  await rm(cut.path, { recursive: true })
  t.equal((await cut.archive.archive(localBoard, cut.id)).workspace.status, 'archived', 'once the way is free it goes on')
})

t.test('cut off while the folder was being deleted', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside, deleting: true })
  await rename(cut.path, cut.aside)
  await rm(join(cut.aside, 'notes.txt'))
  await assertArchived(t, cut)
  await cut.archive.restore(localBoard, cut.id)
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n', 'the half-deleted folder comes back whole')
})

t.test('cut off after the deletion, before git was told', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside, deleting: true })
  await rm(cut.path, { recursive: true })
  await assertArchived(t, cut)
})

t.test('a restore of a workspace whose deletion was cut off brings everything back', async t => {
  const cut = await cutOff()
  await cut.leave({ aside: cut.aside, deleting: true })
  await rename(cut.path, cut.aside)
  await rm(join(cut.aside, 'notes.txt'))
  await db.updateTable('execution_workspaces').set({ status: 'cleanup_failed' }).where('id', '=', cut.id).execute()
  t.equal((await cut.archive.restore(localBoard, cut.id)).workspace.status, 'active')
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n')
  t.notOk(existsSync(cut.aside))
})

t.test('a repository that is gone leaves the workspace marked, with the reason', async t => {
  const cut = await cutOff()
  await cut.leave({})
  await rename(cut.repo, `${cut.repo}-away`)
  t.match(await cut.finish(), { status: 'cleanup_failed' })
  await rename(`${cut.repo}-away`, cut.repo)
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n')
})

/** The same workspace archived, then as a killed restore left it. */
async function restoreCutOff (record: Partial<RescueRecord>): Promise<CutOff> {
  const cut = await cutOff()
  await cut.archive.archive(localBoard, cut.id)
  const before = readRescue(await cut.read(cut.id))
  return { ...cut, leave: async () => await cut.leave({ ...before, restoringFrom: 'archived', ...record }) }
}

t.test('a restore cut off before it made anything: archived as before', async t => {
  const cut = await restoreCutOff({})
  await cut.leave({})
  t.match(await cut.finish(), { status: 'archived', cleanup_reason: null })
  t.notOk(existsSync(cut.path))
})

t.test('a restore cut off before the files were put back: taken back, what was in the folder kept', async t => {
  const cut = await restoreCutOff({ madeByRestore: true })
  runGit(cut.repo, 'worktree', 'add', '--quiet', '-b', cut.branch, cut.path, 'main')
  await writeFile(join(cut.path, 'between.txt'), 'written into the half-made folder\n')
  await cut.leave({})
  t.match(await cut.finish(), { status: 'archived' })
  t.notOk(existsSync(cut.path))
  const { earlierRefs } = readRescue(await cut.read(cut.id))
  t.equal(earlierRefs.length, 1)
  t.match(runGit(cut.repo, 'log', '--format=', '--name-only', '-m', earlierRefs[0] ?? ''), 'between.txt')
  await cut.archive.restore(localBoard, cut.id)
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n')
})

t.test('a restore cut off while git added the worktree: taken back', async t => {
  const cut = await restoreCutOff({ madeByRestore: true })
  runGit(cut.repo, 'worktree', 'add', '--quiet', '-b', cut.branch, cut.path, 'main')
  await rm(join(cut.path, 'README.md'))
  await writeFile(join(cut.repo, '.git', 'worktrees', cut.branch, 'locked'), 'initializing\n')
  await cut.leave({})
  t.match(await cut.finish(), { status: 'archived' })
  t.notOk(existsSync(cut.path))
  t.equal((await cut.archive.restore(localBoard, cut.id)).workspace.status, 'active')
})

t.test('a restore cut off when all was done is counted as done', async t => {
  const cut = await restoreCutOff({ madeByRestore: true })
  await cut.archive.restore(localBoard, cut.id)
  await cut.leave({})
  t.match(await cut.finish(), { status: 'active', closed_at: null })
  t.equal(readFileSync(join(cut.path, 'notes.txt'), 'utf8'), 'a thought\n')
})

t.test('a workspace that is not archiving is left as it is', async t => {
  const cut = await cutOff()
  t.match(await cut.finish(), { status: 'active', version: 1 })
})
