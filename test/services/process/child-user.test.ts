import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeChildRoom } from '../../../services/process/child-room.ts'
import { environmentFor, findChildUser } from '../../../services/process/child-user.ts'
import { createFilesAs } from '../../../services/process/files-as.ts'
import { child, childId, whyNoChildUser } from '../../fixtures/child-user.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const passwd = `root:x:0:0:root:/root:/bin/sh
worker:x:1001:1002:Some One,,,:/home/worker:/bin/sh
homeless:x:1003:1003:::
half a line
`

t.test('a user is found by name, by uid, or is only numbers', async t => {
  const worker = { name: 'worker', uid: 1001, gid: 1002, home: '/home/worker' }
  t.same(findChildUser('worker', passwd), worker)
  t.same(findChildUser('1001', passwd), worker)
  t.same(findChildUser('1001:7', passwd), { ...worker, gid: 7 })
  t.same(findChildUser('homeless', passwd), { name: 'homeless', uid: 1003, gid: 1003, home: '/' })
  t.same(findChildUser('4711', passwd), { name: 'uid 4711', uid: 4711, gid: 4711, home: '/' })
  t.same(findChildUser('4711:12', passwd), { name: 'uid 4711', uid: 4711, gid: 12, home: '/' })
})

t.test('who is unknown, or root, or in its group, is refused', async t => {
  t.throws(() => findChildUser('stranger', passwd), { name: 'UnusableUser', message: /"stranger".*\/etc\/passwd/ })
  for (const wanted of ['root', '0', '0:0', '4711:0', '0:4711']) t.throws(() => findChildUser(wanted, passwd), { message: /must not name root/ }, wanted)
  for (const wanted of ['4294967295', '99999999999:1', '1:4294967295']) t.throws(() => findChildUser(wanted, passwd), { message: /no user of this system/ }, wanted)
})

t.test('its environment has its own home and name, and nothing that leads to those of the service', async t => {
  const host = { PATH: '/bin', HOME: '/root', USER: 'root', XDG_CONFIG_HOME: '/root/.config' }
  t.same(environmentFor(child, host), { PATH: '/bin', HOME: '/nonexistent', USER: 'nobody', LOGNAME: 'nobody', XDG_CONFIG_HOME: undefined })
  t.equal(environmentFor(null, host), host)
})

t.test('who is not root is told that it takes root', async t => {
  const program = `import { makeChildRoom } from ${JSON.stringify(import.meta.resolve('../../../services/process/child-room.ts'))}
    if (process.getuid() === 0) process.setuid(${childId})
    await makeChildRoom({ user: ${JSON.stringify(child)}, files: {}, dataDir: '/nowhere' }).catch(error => console.log(error.name, error.message))`
  t.match(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout, /^UnusableUser .*by root/)
})

t.test('room for another user', { skip: whyNoChildUser }, async t => {
  const files = createFilesAs(child)
  t.teardown(() => files.close())
  const mode = async (path: string) => (await stat(path)).mode & 0o777

  await t.test('only worktrees are its own; the rest of the data dir is closed, which can be passed through', async t => {
    const dataDir = await temporaryFolder(t)
    for (const name of ['db', 'logs']) await mkdir(join(dataDir, name), { mode: 0o755 })
    await writeFile(join(dataDir, 'host-id'), 'x', { mode: 0o600 })
    await makeChildRoom({ user: child, files, dataDir })
    t.match(await stat(join(dataDir, 'worktrees')), { uid: childId, gid: childId })
    t.same(await Promise.all(['.', 'db', 'logs', 'worktrees'].map(name => mode(join(dataDir, name)))), [0o711, 0o700, 0o700, 0o700])
    await t.rejects(files.readFile(join(dataDir, 'host-id')), { code: 'EACCES' })
    await makeChildRoom({ user: child, files, dataDir })
  })

  await t.test('a data dir that it can not reach is refused', async t => {
    const closed = await temporaryFolder(t)
    const dataDir = join(closed, 'data')
    await mkdir(dataDir)
    await t.rejects(makeChildRoom({ user: child, files, dataDir }), { name: 'UnusableUser', message: /nobody, who can not reach .*\/data\/worktrees/ })
    await chmod(closed, 0o711)
    await makeChildRoom({ user: child, files, dataDir })
  })

  await t.test('a data dir that is the user\'s, or in a place where it could be exchanged, is refused', async t => {
    const folder = await temporaryFolder(t)
    const dataDir = join(folder, 'data')
    await mkdir(dataDir)
    await chmod(folder, 0o777)
    await t.rejects(makeChildRoom({ user: child, files, dataDir }), { message: /nobody, who may write in .*, above the data dir/ })
    await chmod(folder, 0o1777)
    await chown(dataDir, childId, childId)
    await t.rejects(makeChildRoom({ user: child, files, dataDir }), { message: /nobody, who owns .*\/data:/ })
    await chown(dataDir, 0, 0)
    await mkdir(join(dataDir, 'db'))
    await chown(join(dataDir, 'db'), childId, childId)
    await t.rejects(makeChildRoom({ user: child, files, dataDir }), { message: /nobody, who owns .*\/db:/ })
    await chown(join(dataDir, 'db'), 0, 0)
    await makeChildRoom({ user: child, files, dataDir })
  })
})
