/** Folders of worktrees, and where none may lie. */
import { test } from 'tap'
import { isBelow, overlaps, reasonAgainst, worktreeFolder, worktreeParent } from '../../../services/workspaces/worktree-path.ts'

const place = { parentDir: null, dataDir: '/data', projectId: 'p', repoRoot: '/repos/site', homeDir: '/home/ann', branch: 'feature/x' }

test('the parent is the data dir\'s, absolute, in the home folder or relative to the repository', async t => {
  t.equal(worktreeFolder(place), '/data/worktrees/p/feature/x')
  t.equal(worktreeFolder({ ...place, parentDir: '/elsewhere/../trees/' }), '/trees/feature/x')
  t.equal(worktreeFolder({ ...place, parentDir: '~/trees' }), '/home/ann/trees/feature/x')
  t.equal(worktreeParent({ ...place, parentDir: '~' }), '/home/ann')
  t.equal(worktreeFolder({ ...place, parentDir: '../trees' }), '/repos/trees/feature/x')
  t.equal(worktreeFolder({ ...place, parentDir: '~trees' }), '/repos/site/~trees/feature/x', 'only one\'s own home is expanded')
})

test('a branch can not lead out of its parent', async t => {
  t.throws(() => worktreeFolder({ ...place, branch: '../../etc' }), { code: 'path_not_allowed', message: /leads out/ })
  t.throws(() => worktreeFolder({ ...place, branch: '.' }), { code: 'path_not_allowed', message: /leads out/ })
})

test('below means below, not beginning with the same letters', async t => {
  t.equal(isBelow('/a', '/a/b'), true)
  t.equal(isBelow('/a', '/ab'), false)
  t.equal(isBelow('/a', '/a'), false)
  t.equal(isBelow('/', '/a'), true)
  t.equal(overlaps('/a/b', '/a'), true)
  t.equal(overlaps('/a/b', '/a/c'), false)
})

test('a worktree may lie in a repository, but not be, hold or spoil what must stay', async t => {
  const places = { projectFolders: ['/repos/site'], repoRoot: '/repos/site', gitDir: '/repos/site/.git', dataDir: '/data', homeDir: '/home/ann' }
  const against = (path: string): string | null => reasonAgainst(path, places)
  for (const path of ['/repos/site', '/repos', '/', '/data', '/home/ann', '/home', '/repos/site/.git', '/repos/site/.git/x', '/data/db', '/data/worktrees']) t.ok(against(path), path)
  for (const path of ['/repos/site/.trees/x', '/repos/other', '/data/worktrees/p/x', '/home/ann/x']) t.equal(against(path), null, path)
})
