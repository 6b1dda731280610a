/** A base that is the branch itself says nothing. (The rest: the tests of inspection and of merge evidence.) */
import t from 'tap'
import { isOwnBase, readDivergence } from '../../../services/git/divergence.ts'
import { createGit } from '../../../services/git/exec.ts'
import { gitTestEnv, makeRepository } from '../../fixtures/git.ts'

t.test('nothing is merged into itself', async t => {
  const path = await makeRepository(t)
  const git = createGit({ env: gitTestEnv })
  const problems: string[] = []
  const unknown = { aheadCount: null, behindCount: null, isMergedIntoBase: null, mergeEvidence: null }
  t.same(await readDivergence(git, { path, baseRef: 'refs/heads/main', branchName: 'main' }, problems), unknown)
  t.match(problems, [/itself/])
  t.equal((await readDivergence(git, { path, baseRef: 'main', branchName: 'other' }, problems)).isMergedIntoBase, true)
  t.same([isOwnBase('heads/x', 'x'), isOwnBase('origin/x', 'x'), isOwnBase('x', null)], [true, false, false])
})
