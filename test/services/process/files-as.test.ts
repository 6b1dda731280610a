import { execFileSync } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { chmod, chown, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFilesAs } from '../../../services/process/files-as.ts'
import { ownFiles, type Files } from '../../../services/process/files.ts'
import { child, childId, whyNoChildUser } from '../../fixtures/child-user.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

/** Every call once. */
async function useAll (files: Files, folder: string): Promise<void> {
  const at = (name: string | Buffer) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)])
  await files.mkdir(join(folder, 'a/b'), { recursive: true })
  await files.writeFile(join(folder, 'a/text'), 'text\n', { mode: 0o640 })
  await files.writeFile(join(folder, 'a/text'), Buffer.from([0, 255]), { flag: 'a' })
  await files.copyFile(join(folder, 'a/text'), join(folder, 'copy'), constants.COPYFILE_EXCL)
  await files.symlink(Buffer.from([0xff, 0x2f]), at('link'))
  const sink = await files.create(at(Buffer.from([0x66, 0xfe])), 0o444)
  for (const piece of ['one ', 'two']) await sink.write(Buffer.from(piece))
  await sink.close()
  await files.chmod(at(Buffer.from([0x66, 0xfe])), 0o444)
  await files.rename(join(folder, 'a/b'), join(folder, 'c'))
  await files.rm(join(folder, 'a'), { recursive: true })
  await files.access(join(folder, 'c'), constants.W_OK)
  await files.rmdir(await files.mkdtemp(join(folder, 'temporary-')))
}

async function check (t: Test, files: Files, folder: string, uid: number): Promise<void> {
  await useAll(files, folder)
  t.same(await files.readFile(join(folder, 'copy')), Buffer.from('text\n\0\xff', 'latin1'))
  t.same(await readlink(join(folder, 'link'), { encoding: 'buffer' }), Buffer.from([0xff, 0x2f]))
  const made = Buffer.concat([Buffer.from(`${folder}/f`), Buffer.from([0xfe])])
  t.equal(await readFile(made, 'utf8'), 'one two')
  t.match(await lstat(made), { mode: 0o100444, uid })
  t.match(await lstat(join(folder, 'c')), { uid })
  await t.rejects(files.rmdir(join(folder, 'none')), { code: 'ENOENT' })
  await t.rejects(files.create(made, 0o600), { code: 'EEXIST' })
}

t.test('as the user of this process', async t => {
  await check(t, ownFiles, await temporaryFolder(t), process.getuid?.() ?? 0)
})

t.test('as another user', { skip: whyNoChildUser }, async t => {
  const groups = process.getgroups?.() ?? []
  // One that it must not take along.
  process.setgroups?.([...groups, 4])
  t.teardown(() => process.setgroups?.(groups))
  const files = createFilesAs(child)
  t.teardown(() => files.close())
  const folder = await temporaryFolder(t)
  await chown(folder, childId, childId)

  await t.test('the same calls do the same, and what they make is that user\'s', async t => {
    const own = join(folder, 'own')
    await files.mkdir(own, {})
    await check(t, files, own, childId)
  })

  await t.test('what only this process may read or write stays closed, also through a link of the other\'s', async t => {
    const secret = await temporaryFolder(t)
    await chmod(secret, 0o755)
    await writeFile(join(secret, 'key'), 'secret', { mode: 0o600 })
    await symlink(join(secret, 'key'), join(folder, 'way'))
    await symlink(secret, join(folder, 'folder'))
    await t.rejects(files.readFile(join(folder, 'way')), { code: 'EACCES' })
    await t.rejects(files.copyFile(join(folder, 'way'), join(folder, 'copy'), 0), { code: 'EACCES' })
    await t.rejects(files.writeFile(join(folder, 'way'), 'mine', {}), { code: 'EACCES' })
    await t.rejects(files.writeFile(join(folder, 'folder/new'), 'mine', {}), { code: 'EACCES' })
    await t.rejects(files.rename(join(folder, 'folder/key'), join(folder, 'key')), { code: 'EACCES' })
    t.equal(await readFile(join(secret, 'key'), 'utf8'), 'secret')
  })

  await t.test('its process can not be looked into by others of that user; one that was ended is started again', async t => {
    await mkdir(join(folder, 'there'), { recursive: true })
    await files.access(join(folder, 'there'), constants.R_OK)
    const hand = handOf()
    t.match(readFileSync(`/proc/${hand}/status`, 'utf8'), new RegExp(`^Uid:\\t${childId}\\t${childId}\\t${childId}\\t${childId}\nGid:\\t${childId}\\t${childId}\\t${childId}\\t${childId}\n[^]*^Groups:\\t *$[^]*^CapEff:\\t0+$`, 'm'))
    for (const look of ['cat environ', 'head -c 1 mem', 'ls fd/']) {
      t.throws(() => execFileSync('sh', ['-c', look.replace(/ (?=\S+$)/, ` /proc/${hand}/`)], { uid: childId, gid: childId, stdio: 'pipe' }), /Permission denied/, look)
    }
    execFileSync('sh', ['-c', `kill -9 ${hand}`], { uid: childId, gid: childId })
    await files.access(join(folder, 'there'), constants.R_OK).catch((error: unknown) => t.match(error, { message: /has ended/ }))
    await files.access(join(folder, 'there'), constants.R_OK)
    t.not(handOf(), hand)
  })
})

/** The process that does it: the child of this one that runs its program. */
function handOf (): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number)
  const hand = children.find(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('file-hand'))
  if (hand === undefined) throw new Error('there is none')
  return hand
}
