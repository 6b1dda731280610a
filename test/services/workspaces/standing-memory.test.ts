/** What was remembered of a worktree counts only while nothing of it is another. */
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createStandingMemory } from '../../../services/workspaces/standing-memory.ts'
import { addTestWorktree, makeRepository } from '../../fixtures/git.ts'

/** A worktree that stood, and is remembered; `later` is a clock that is far enough ahead for that. */
async function makeStanding (t: Test) {
  const repository = await makeRepository(t)
  const path = addTestWorktree(repository, 'work')
  const memory = createStandingMemory(() => Date.now() + 60_000)
  t.equal(await memory.stands(path), true)
  t.equal(await memory.stands(path), true)
  return { repository, path, entry: join(repository, '.git/worktrees/work'), memory }
}

const ends: Record<string, (place: { path: string, entry: string }) => void> = {
  'the folder goes': ({ path }) => rmSync(path, { recursive: true }),
  'another folder takes its place': ({ path }) => {
    renameSync(path, `${path}-moved`)
    mkdirSync(path)
  },
  'its entry goes': ({ entry }) => rmSync(entry, { recursive: true }),
  'its entry loses HEAD': ({ entry }) => unlinkSync(join(entry, 'HEAD')),
  'the entry names another place': ({ entry }) => writeFileSync(join(entry, 'gitdir'), '/elsewhere/.git\n'),
  'its pointer names another entry': ({ path, entry }) => writeFileSync(join(path, '.git'), `gitdir: ${entry.replace(/work$/, 'walk')}\n`),
  'git holds its entry': ({ entry }) => writeFileSync(join(entry, 'locked'), 'initializing')
}

for (const [what, end] of Object.entries(ends)) {
  t.test(`it stands no more when ${what}`, async t => {
    const { path, entry, memory } = await makeStanding(t)
    end({ path, entry })
    t.equal(await memory.stands(path), false)
    t.equal(await memory.stands(path), false)
  })
}

t.test('it stands again when it is back, by whatever way it is reached', async t => {
  const { path, entry, memory } = await makeStanding(t)
  renameSync(path, `${path}-moved`)
  t.equal(await memory.stands(path), false)
  renameSync(`${path}-moved`, path)
  t.equal(await memory.stands(path), true)
  symlinkSync(path, `${path}-link`)
  for (let time = 0; time < 2; time++) t.equal(await memory.stands(`${path}-link`), true)
  writeFileSync(join(entry, 'locked'), 'on a stick')
  for (let time = 0; time < 2; time++) t.equal(await memory.stands(path), true, 'a lock of somebody\'s own changes nothing')
})
