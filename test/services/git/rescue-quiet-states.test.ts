/** Random states of a worktree that is in the middle of nothing: through the snapshot and back nothing differs. */
import t from 'tap'
import { statesComeBack } from '../../fixtures/rescue-states.ts'
import { quietStarts } from '../../fixtures/worktree-states.ts'

const features = [
  'staged', 'modified', 'deleted', 'another type', 'staged and modified again', 'untracked', 'kept ignored', 'link', 'name with a line end', 'name that is no UTF-8',
  'hidden from status', 'detached', 'unborn'
]

t.test('states in the middle of nothing come back as they were', async t =>
  await statesComeBack(t, { starts: quietStarts, cases: 170, seed: 20260101, features }))
