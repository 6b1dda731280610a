/** What may never be removed: as a table for the decision, and on a real disk for the symlinks. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { contains, mayRemove, reasonToKeep, type ProtectedPath } from '../../../services/archive/path-safety.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

t.test('a path contains itself and what lies below, not what only begins alike', async t => {
  t.ok(contains('/a/b', '/a/b'))
  t.ok(contains('/a/b', '/a/b/c'))
  t.notOk(contains('/a/b', '/a/bc'))
  t.notOk(contains('/a/b/c', '/a/b'))
  t.ok(contains('/', '/a'))
})

const protectedPaths: ProtectedPath[] = [
  { path: '/projects/site', what: 'the folder of a project workspace' },
  { path: '/repo', what: 'the repository root' },
  { path: '/repo/.git', what: "the repository's git directory", insideToo: true },
  { path: '/home/me', what: 'the home folder' }
]

const table: [path: string, expected: RegExp | null][] = [
  ['/', /top-level/],
  ['/projects', /top-level/],
  ['/home', /top-level/],
  ['/projects/site', /is the folder of a project workspace/],
  ['/projects/site/.worktrees/x', null],
  ['/projects/site-2', null],
  ['/repo/.worktrees/x', null],
  ['/repo/.git/x', /lies in the repository's git directory/],
  ['/home/me', /is the home folder/],
  ['/home/me/work/x', null],
  ['/var/lib/berth', /is or holds the data dir/],
  ['/var/lib', /is or holds the data dir/],
  ['/var/lib/berth/worktrees', /data dir's own/],
  ['/var/lib/berth/worktrees/p', null],
  ['/var/lib/berth/worktrees/p/feature', null],
  ['/var/lib/berth/db/base', /database/]
]

for (const [path, expected] of table) {
  t.test(`${path} ${expected === null ? 'may be removed' : 'stays'}`, async t => {
    const reason = reasonToKeep(path, '/var/lib/berth', protectedPaths)
    if (expected === null) t.equal(reason, null)
    else t.match(reason, expected)
  })
}

t.test('what holds something protected stays, at any depth', async t => {
  t.match(reasonToKeep('/srv/a', '/data/dir', [{ path: '/srv/a/b/c', what: 'the folder of a project workspace' }]), /holds the folder of a project workspace \(\/srv\/a\/b\/c\)/)
})

t.test('on disk', async t => {
  const root = await temporaryFolder(t)
  const dataDir = join(root, 'data')
  const made = join(dataDir, 'worktrees', 'p', 'feature')
  await mkdir(made, { recursive: true })
  const ask = async (path: string | null, extra: { paths?: ProtectedPath[], createdByRuntime?: boolean, formerPath?: string } = {}) => {
    const { paths = [], createdByRuntime = true, ...rest } = extra
    const verdict = await mayRemove({ path, createdByRuntime, dataDir, protectedPaths: paths, ...rest })
    return verdict.ok ? verdict.realPath : `${verdict.code}: ${verdict.reason}`
  }

  t.equal(await ask(made), made, 'a folder of its own may go')
  t.match(await ask(made, { createdByRuntime: false }), /^not_created_here/)
  t.match(await ask(null), /^missing/)
  t.match(await ask(join(made, 'nowhere')), /^missing/)
  t.match(await ask('relative/path'), /^unsafe_path/)
  t.match(await ask(`${made}/../feature`), /^unsafe_path/)
  t.match(await ask(`${made}/`), /^unsafe_path/)
  t.match(await ask(`${made}\0x`), /^unsafe_path/)

  await writeFile(join(root, 'file'), '')
  t.match(await ask(join(root, 'file')), /^unsafe_path: .*not a folder/)

  const link = join(dataDir, 'worktrees', 'p', 'link')
  await symlink(made, link)
  t.match(await ask(link), /^unsafe_path: .*is a symlink/, 'a symlink itself')
  await symlink(join(dataDir, 'worktrees'), join(root, 'way'))
  t.match(await ask(join(root, 'way', 'p', 'feature')), /^unsafe_path: .*through a symlink/, 'a symlink on the way')
  t.match(await ask(join(root, 'way', 'p', 'gone')), /^unsafe_path: .*through a symlink/, 'a symlink on the way to nothing')

  await symlink(join(made, 'sub'), join(root, 'project'))
  await mkdir(join(made, 'sub'))
  t.match(await ask(made, { paths: [{ path: join(root, 'project'), what: 'the folder of a project workspace' }] }), /^protected: .*holds the folder of a project workspace/, 'a project workspace that is a symlink into it')
  t.match(await ask(made, { paths: [{ path: join(root, 'project', 'not', 'there'), what: 'the folder of a project workspace' }] }), /^protected/, 'one that is not there, beyond a symlink')

  const aside = join(dataDir, 'worktrees', 'p', '.aside')
  await mkdir(aside)
  t.equal(await ask(aside, { formerPath: made }), aside)
  t.match(await ask(aside, { formerPath: made, paths: [{ path: made, what: 'the folder of a project workspace' }] }), /^protected/, 'renaming aside takes no protection away')

  t.test('a folder that may not be looked at stays', { skip: process.getuid?.() === 0 && 'root sees everything' }, async t => {
    const shut = join(dataDir, 'worktrees', 'shut')
    await mkdir(join(shut, 'inner'), { recursive: true })
    await chmod(shut, 0)
    t.teardown(() => chmod(shut, 0o700))
    t.match(await ask(join(shut, 'inner')), /^unsafe_path: .*EACCES/)
  })
})
