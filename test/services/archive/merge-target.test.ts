/** What a base means that means something else everywhere. */
import t from 'tap'
import { mergeTargetOf } from '../../../services/archive/merge-target.ts'

const row = { base_sha: 'abc', base_branch: 'refs/heads/main' }

t.test('a base that means the same everywhere is taken as it is, another one by what it was', async t => {
  const cases: [baseRef: string | null, target: string | null][] = [
    [null, null], ['main', 'main'], ['origin/HEAD', 'origin/HEAD'], ['v1~2', 'v1~2'], ['HEADER', 'HEADER'],
    ['HEAD', 'refs/heads/main'], ['@', 'refs/heads/main'],
    ['HEAD~2', 'abc'], ['HEAD^', 'abc'], ['@~1', 'abc'], ['ORIG_HEAD', 'abc'], ['FETCH_HEAD', 'abc'], ['@{-1}', 'abc'], ['main@{1}', 'abc'], ['main@{upstream}', 'abc']
  ]
  for (const [baseRef, target] of cases) t.equal(mergeTargetOf({ ...row, base_ref: baseRef }), target, String(baseRef))
  t.equal(mergeTargetOf({ base_ref: 'HEAD', base_branch: null, base_sha: 'abc' }), 'abc', 'a detached HEAD is the commit it was')
  t.equal(mergeTargetOf({ base_ref: 'HEAD', base_branch: null, base_sha: null }), null)
})
