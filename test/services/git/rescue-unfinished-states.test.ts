/** Random states of a worktree in the middle of a merge, rebase, cherry-pick, revert or bisect: through the snapshot and back nothing differs. */
import t from 'tap'
import { statesComeBack } from '../../fixtures/rescue-states.ts'
import { unfinishedStarts } from '../../fixtures/worktree-states.ts'

const features = ['conflict', 'merge', 'rebase', 'cherry-pick', 'revert', 'bisect', 'detached', 'staged', 'untracked']

t.test('states in the middle of something come back as they were', async t =>
  await statesComeBack(t, { starts: unfinishedStarts, cases: 90, seed: 20260102, features }))
