/** A folder that is no repository is stored before it goes, and comes back as it was; whatever goes wrong, it stays. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { localBoard } from '../../../services/access/actor.ts'
import { asidePathOf } from '../../../services/archive/remove-folder.ts'
import { readRescue, writeRescue } from '../../../services/archive/rescue-record.ts'
import { stagingPathOf } from '../../../services/archive/restore-folder.ts'
import { describeFolder } from '../../../services/folders/manifest.ts'
import { placesOf, storeOf } from '../../../services/folders/stored-folder.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'
import { writeFiles } from '../../fixtures/git.ts'

const { db } = await openTestDatabase(t, 'pglite')
// One harbour for all: each test has a folder and a workspace of its own in it.
const { archive, addRow, dataDir, repo, read, operations } = await makeHarbour(t, { db })

async function addFolder (name: string, config: Record<string, unknown> | null = null) {
  const path = join(dirname(repo), name)
  await writeFiles(path, { 'a/file': 'content\n', '.env': 'S=1\n' })
  mkdirSync(join(path, 'hollow'), { mode: 0o750 })
  symlinkSync('a/file', join(path, 'link'))
  const id = await addRow({ strategy_type: 'project_primary', provider_type: 'local_fs', created_by_runtime: true, cwd: path, realized_path: path, config: config === null ? null : JSON.stringify(config) })
  return { id, path }
}

async function described (path: string) {
  const entries = []
  for await (const entry of describeFolder(path)) entries.push(entry)
  return entries
}

const storedOf = (id: string) => readdirSync(storeOf(dataDir)).filter(name => name.startsWith(id))

t.test('it is stored, removed, and comes back byte for byte; a second archive keeps the first', async t => {
  const { id, path } = await addFolder('plain')
  const before = await described(path)
  t.same((await archive.closeReadiness(localBoard, id)).plannedActions.map(action => action.kind), ['archive_record', 'rescue_snapshot', 'remove_local_directory'])
  const archived = await archive.archive(localBoard, id)
  t.match(archived, { workspace: { status: 'archived', cleanupReason: null }, operation: { status: 'succeeded', metadata: { rescueArchive: /\.tar\.zst$/, rescueRef: null, removedPath: path } } })
  t.same(await operations(id), ['worktree_cleanup succeeded', 'workspace_rescue succeeded'])
  t.notOk(existsSync(path))
  t.notOk(existsSync(asidePathOf(path, id)))

  const restored = await archive.restore(localBoard, id)
  t.match(restored, { workspace: { status: 'active' }, operation: { status: 'succeeded', metadata: { restoredPath: path } } })
  t.same(await described(path), before)
  t.notOk(existsSync(stagingPathOf(path, id)))

  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal(storedOf(id).length, 2, 'what is stored already and still true is not stored again')
  await archive.restore(localBoard, id)
  writeFileSync(join(path, 'later'), 'more\n')
  await archive.archive(localBoard, id)
  t.equal(storedOf(id).length, 4, 'what came later is another archive; the first stays')
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'later'), 'utf8'), 'more\n')

  await archive.archive(localBoard, id)
  rmSync(placesOf(dataDir, readRescue(await read(id)).folder?.name ?? '').archive)
  await t.rejects(archive.restore(localBoard, id), { code: 'restore_failed' })
  t.match(await read(id), { status: 'archived' })
  t.notOk(existsSync(path), 'nothing half made is left')
  t.notOk(existsSync(stagingPathOf(path, id)))
})

t.test('an archive that was damaged meanwhile is not relied on', async t => {
  const { id, path } = await addFolder('damaged')
  await archive.archive(localBoard, id)
  await archive.restore(localBoard, id)
  writeFileSync(placesOf(dataDir, readRescue(await read(id)).folder?.name ?? '').archive, 'no archive')
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
  t.equal(readFileSync(join(path, 'a', 'file'), 'utf8'), 'content\n')
})

t.test('what the cleanup command changes is stored too, and a restore goes by what was before', async t => {
  const { id, path } = await addFolder('cleaned', { cleanupCommand: 'rm -r a; echo made > by-command' })
  t.equal((await archive.archive(localBoard, id)).workspace.status, 'archived')
  t.equal(storedOf(id).length, 4)
  t.equal(readRescue(await read(id)).earlierFolders.length, 1)
  await archive.restore(localBoard, id)
  t.equal(readFileSync(join(path, 'a', 'file'), 'utf8'), 'content\n')
  t.notOk(existsSync(join(path, 'by-command')))
})

t.test('commands that take it away themselves, or of an archive that failed, lose nothing', async t => {
  const taken = await addFolder('taken', { cleanupCommand: 'rm -rf "$PWD"' })
  const before = await described(taken.path)
  t.match((await archive.archive(localBoard, taken.id)).workspace, { status: 'archived', cleanupReason: null })
  await archive.restore(localBoard, taken.id)
  t.same(await described(taken.path), before)

  const failed = await addFolder('failed', { cleanupCommand: 'rm -f .env' })
  writeFileSync(asidePathOf(failed.path, failed.id), 'in the way')
  t.equal((await archive.archive(localBoard, failed.id)).workspace.status, 'cleanup_failed')
  t.notOk(existsSync(join(failed.path, '.env')))
  rmSync(asidePathOf(failed.path, failed.id))
  t.match((await archive.archive(localBoard, failed.id)).workspace, { status: 'archived', cleanupReason: null })
  await archive.restore(localBoard, failed.id)
  t.ok(existsSync(join(failed.path, '.env')), 'it is what was there before the commands')

  writeFileSync(asidePathOf(failed.path, failed.id), 'in the way')
  t.equal((await archive.archive(localBoard, failed.id)).workspace.status, 'cleanup_failed')
  rmSync(asidePathOf(failed.path, failed.id))
  writeFileSync(join(failed.path, 'since'), 'new work\n')
  t.match((await archive.archive(localBoard, failed.id)).workspace, { status: 'archived', cleanupReason: /^What was there before the commands of an archive that failed is kept in .*\.tar\.zst\.$/ })
  await archive.restore(localBoard, failed.id)
  t.equal(readFileSync(join(failed.path, 'since'), 'utf8'), 'new work\n')
})

t.test('what stands in the way keeps the folder, or the archive, and is told', async t => {
  const held = await addFolder('held')
  writeFileSync(asidePathOf(held.path, held.id), 'in the way')
  t.match((await archive.archive(localBoard, held.id)).workspace, { status: 'cleanup_failed', cleanupReason: /is in the way/ })
  t.ok(existsSync(join(held.path, 'a', 'file')))
  rmSync(asidePathOf(held.path, held.id))
  t.equal((await archive.archive(localBoard, held.id)).workspace.status, 'archived', 'it can be called again')
  await writeFiles(held.path, { foreign: 'x' })
  await t.rejects(archive.restore(localBoard, held.id), { code: 'restore_failed', message: /Something else is at/ })
  t.same(readdirSync(held.path), ['foreign'])

  const store = storeOf(dataDir)
  const full = await addFolder('no-room')
  renameSync(store, `${store}-away`)
  writeFileSync(store, 'not a folder')
  t.match((await archive.archive(localBoard, full.id)).workspace, { status: 'cleanup_failed', cleanupReason: /could not be secured/ })
  t.ok(existsSync(join(full.path, 'a', 'file')))
  rmSync(store)
  renameSync(`${store}-away`, store)

  const holding = await addRow({ strategy_type: 'project_primary', provider_type: 'local_fs', created_by_runtime: true, cwd: dirname(repo), realized_path: dirname(repo) })
  t.match((await archive.archive(localBoard, holding)).workspace, { status: 'archived', cleanupReason: /is kept: .*holds .*project workspace/ })
  t.ok(existsSync(join(repo, '.git')))
})

t.test('a crash at any step ends well at the next start', async t => {
  const interrupted = async (name: string, prepare: (folder: { id: string, path: string }) => Promise<void>) => {
    const folder = await addFolder(name)
    const before = await described(folder.path)
    await prepare(folder)
    const ended = await archive.finishInterrupted(await read(folder.id))
    return { ...folder, ended, before }
  }
  const set = async (id: string, change: Parameters<typeof writeRescue>[0]) => {
    await db.updateTable('execution_workspaces').set({ status: 'archiving', rescue: writeRescue(change) }).where('id', '=', id).execute()
  }
  const renamed = await interrupted('crash-renamed', async ({ id, path }) => {
    await set(id, { ...readRescue(await read(id)), aside: asidePathOf(path, id) })
    renameSync(path, asidePathOf(path, id))
  })
  t.equal(renamed.ended.status, 'archived')

  const deleting = await interrupted('crash-deleting', async ({ id, path }) => {
    await archive.archive(localBoard, id)
    mkdirSync(join(asidePathOf(path, id), 'rest'), { recursive: true })
    await set(id, { ...readRescue(await read(id)), aside: asidePathOf(path, id), deleting: true, removed: false })
  })
  t.equal(deleting.ended.status, 'archived')

  const unpacking = await interrupted('crash-unpacking', async ({ id, path }) => {
    await archive.archive(localBoard, id)
    mkdirSync(join(stagingPathOf(path, id), 'half'), { recursive: true })
    await set(id, { ...readRescue(await read(id)), restoringFrom: 'archived', madeByRestore: true })
  })
  t.equal(unpacking.ended.status, 'active')
  t.same(await described(unpacking.path), unpacking.before)

  const inPlace = await interrupted('crash-in-place', async ({ id }) => {
    await archive.archive(localBoard, id)
    await archive.restore(localBoard, id)
    await set(id, { ...readRescue(await read(id)), restoringFrom: 'archived', madeByRestore: true, removed: true })
  })
  t.equal(inPlace.ended.status, 'active')
  t.same(await described(inPlace.path), inPlace.before)

  for (const { id, path, before } of [renamed, deleting]) {
    t.notOk(existsSync(asidePathOf(path, id)))
    t.equal((await archive.restore(localBoard, id)).workspace.status, 'active')
    t.same(await described(path), before)
  }
  t.equal(statSync(join(renamed.path, 'hollow')).mode & 0o777, 0o750)
})
