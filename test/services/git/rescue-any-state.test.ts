/** Random states of a worktree, through the snapshot and back: nothing may differ, whatever it was in the middle of. */
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { createGit } from '../../../services/git/exec.ts'
import { attachSnapshot, restoreSnapshot, sameAsSnapshot, takeSnapshot } from '../../../services/git/rescue.ts'
import { gitTestEnv, makeRepository } from '../../fixtures/git.ts'
import { addBranchesOfStates, bringAbout, expectedAfterRestore, featureCount, featuresOf, lookAtWorktree, requireSameLook, statesRepository, worktreeState, type WorktreeState } from '../../fixtures/worktree-states.ts'

// With those of test/services/control/undoable-close.test.ts 300 in all.
const casesOfALane = 130
/** A counterexample is made smaller for so long. */
const shrinkMs = 200_000
const git = createGit({ env: gitTestEnv })
const met = new Set<string>()

/** Cases of one repository, one after the other; the seed is fixed, and fast-check names it with what failed. */
async function lane (seed: number): Promise<void> {
  const root = await makeRepository(t, statesRepository)
  await addBranchesOfStates(root)
  let count = 0
  await fc.assert(fc.asyncProperty(worktreeState, async state => await roundTrip(root, `case-${++count}`, state)), { seed, numRuns: casesOfALane, interruptAfterTimeLimit: shrinkMs, markInterruptAsFailure: true })
}

async function roundTrip (root: string, name: string, state: WorktreeState): Promise<void> {
  const tree = join(root, '..', name)
  const place = { repoRoot: root, worktreePath: tree }
  await git(['worktree', 'add', '--quiet', '-b', name, tree, 'main'], { cwd: root })
  await bringAbout(tree, state)
  const before = await expectedAfterRestore(tree)
  for (const feature of featuresOf(before)) met.add(feature)

  const snapshot = await takeSnapshot(git, { ...place, workspaceId: name })
  const aside = `${tree}.aside`
  renameSync(tree, aside)
  if (!await sameAsSnapshot(git, { worktreePath: aside, snapshot })) throw new Error('seen at its new place it was not the same any more')
  rmSync(aside, { recursive: true })
  await git(['worktree', 'prune'], { cwd: root })
  if (snapshot.branch !== null && snapshot.headSha !== null) await git(['update-ref', '-d', `refs/heads/${snapshot.branch}`], { cwd: root })

  await attachSnapshot(git, { ...place, snapshot })
  const { warnings } = await restoreSnapshot(git, { ...place, snapshot })
  requireSameLook(await lookAtWorktree(tree), before)
  if (warnings.length > 0) throw new Error(`there was something to say: ${warnings.join('; ')}`)
  rmSync(tree, { recursive: true })
  await git(['worktree', 'prune'], { cwd: root })
}

t.test(`${2 * casesOfALane} states come back as they were`, async t => {
  await Promise.all([lane(20260101), lane(20260102)])
  t.equal(met.size, featureCount, `every feature was met: ${[...met].sort().join(', ')}`)
})
