/** Whether a worktree stands, told from its files alone. */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { addTestWorktree, makeRepository, runGit } from '../../fixtures/git.ts'
import { worktreeStands } from '../../../services/workspaces/standing.ts'

test('a worktree stands while it and its repository point at each other', async t => {
  const repository = await makeRepository(t)
  const path = addTestWorktree(repository, 'standing')
  t.equal(await worktreeStands(path), true)
  runGit(path, 'checkout', '-q', '--detach')
  t.equal(await worktreeStands(path), true, 'whatever it is on')
  await symlink(path, `${path}-link`)
  t.equal(await worktreeStands(`${path}-link`), true)
  t.equal(await worktreeStands(repository), false, 'the main checkout is none')
  t.equal(await worktreeStands(join(repository, 'missing')), false)
  await rename(path, `${path}-moved`)
  t.equal(await worktreeStands(`${path}-moved`), false, 'the repository knows another place')
})

test('a worktree does not stand without its folder, its entry, or before git has filled it', async t => {
  const repository = await makeRepository(t)
  const [gone, forgotten, half] = ['gone', 'forgotten', 'half'].map(branch => addTestWorktree(repository, branch)) as [string, string, string]
  await rm(gone, { recursive: true })
  t.equal(await worktreeStands(gone), false)
  await mkdir(gone)
  t.equal(await worktreeStands(gone), false, 'an empty folder is no worktree')
  await rm(join(repository, '.git/worktrees/forgotten'), { recursive: true })
  t.equal(await worktreeStands(forgotten), false)
  await writeFile(join(repository, '.git/worktrees/half/locked'), 'initializing')
  t.equal(await worktreeStands(half), false)
  await writeFile(join(repository, '.git/worktrees/half/locked'), 'on a stick')
  t.equal(await worktreeStands(half), true, 'a lock of somebody\'s own changes nothing')
})
