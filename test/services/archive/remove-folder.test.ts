/** Renaming aside, putting back and deleting folders that are full of traps. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { asidePathOf, everyOne, lookAt, mountsBelow, putBack, removeFolder, renameAside } from '../../../services/archive/remove-folder.ts'
import { writeFiles } from '../../fixtures/git.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('the aside place is a sibling named by the workspace', async t => {
  t.equal(asidePathOf('/a/b/feature', 'id'), '/a/b/.berth-archiving-id')
})

t.test('a folder goes aside and comes back, and nothing is ever overwritten', async t => {
  const root = await temporaryFolder(t)
  const [path, aside] = [join(root, 'x'), join(root, 'y')]
  await writeFiles(path, { file: '1\n' })
  await renameAside(path, aside)
  t.equal(await lookAt(path), null)
  t.equal(await putBack(aside, path), true)
  t.equal(readFileSync(join(path, 'file'), 'utf8'), '1\n')

  await mkdir(aside)
  await t.rejects(renameAside(path, aside), { name: 'FolderKept' }, 'even an empty folder in the way is left')
  t.equal(await putBack(aside, path), false)
  t.same(await readdir(aside), [])
})

t.test('a deep folder with links, odd names and read-only parts is deleted; what links point at is not', async t => {
  const root = await temporaryFolder(t)
  const path = join(root, 'x')
  const outside = join(root, 'outside')
  await writeFiles(outside, { precious: 'kept\n' })
  await writeFiles(path, { 'a/b/c/file': '1', 'a/-rf': '2', 'a/new\nline': '3' })
  for (const name of ['bad\xff', 'caf\xe9']) await writeFile(Buffer.from(`${path}/a/${name}`, 'latin1'), 'no UTF-8')
  await mkdir(Buffer.from(`${path}/a/b/\xfe`, 'latin1'))
  await writeFile(Buffer.from(`${path}/a/b/\xfe/\x80`, 'latin1'), '')
  await symlink(outside, join(path, 'a', 'to-folder'))
  await symlink(join(outside, 'precious'), join(path, 'a', 'b', 'to-file'))
  await symlink('/nowhere', join(path, 'dangling'))
  await mkdir(join(path, 'many'))
  await Promise.all(Array.from({ length: 300 }, async (_, at) => await writeFile(join(path, 'many', `f${at}`), '')))
  await chmod(join(path, 'a', 'b', 'c'), 0o000)
  await chmod(join(path, 'a', 'b'), 0o500)
  await removeFolder(path)
  t.notOk(existsSync(path))
  t.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'kept\n')
})

t.test('work on many items is bounded, and ends after a failure only when nothing is at work any more', async t => {
  const begun: { item: number, done: (error: Error | null) => void }[] = []
  const failed = new Error('no leave')
  let ended: unknown = null
  const all = everyOne([1, 2, 3, 4, 5], 2, (item, done) => { begun.push({ item, done }) }).then(() => { ended = 'done' }, (error: unknown) => { ended = error })
  t.same(begun.map(({ item }) => item), [1, 2])
  begun[0]?.done(null)
  t.same(begun.map(({ item }) => item), [1, 2, 3])
  begun[2]?.done(failed)
  await new Promise(resolve => setImmediate(resolve))
  t.same([begun.length, ended], [3, null], 'nothing more is begun, and the second is still waited for')
  begun[1]?.done(new Error('a later one'))
  await all
  t.same([begun.length, ended], [3, failed])
  await everyOne([], 2, () => t.fail('there is nothing to do'))
})

t.test('a symlink in place of the folder is not followed', async t => {
  const root = await temporaryFolder(t)
  await writeFiles(join(root, 'real'), { file: '1' })
  await symlink(join(root, 'real'), join(root, 'link'))
  await t.rejects(removeFolder(join(root, 'link')))
  t.ok(existsSync(join(root, 'real', 'file')))
})

t.test('mount points are read as the kernel writes them', async t => {
  const mountinfo = [
    '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '30 22 0:40 / /data/x/sub rw - tmpfs tmpfs rw',
    '31 22 0:41 / /data/x/with\\040space rw - tmpfs tmpfs rw',
    '32 22 0:42 / /data/xy rw - tmpfs tmpfs rw',
    ''
  ].join('\n')
  t.same(mountsBelow('/data/x', mountinfo), ['/data/x/sub', '/data/x/with space'])
  t.same(mountsBelow('/elsewhere', mountinfo), [])
})

t.test('a folder that something is mounted in stays', async t => {
  const root = await temporaryFolder(t)
  const [path, outside] = [join(root, 'x'), join(root, 'outside')]
  await mkdir(join(path, 'sub'), { recursive: true })
  await writeFiles(outside, { precious: 'kept\n' })
  try {
    execFileSync('mount', ['--bind', outside, join(path, 'sub')], { stdio: 'ignore' })
  } catch {
    t.comment('this user may not mount')
    return
  }
  try {
    await t.rejects(removeFolder(path), /mounted/)
  } finally {
    execFileSync('umount', [join(path, 'sub')])
  }
  t.ok(existsSync(join(outside, 'precious')))
})
