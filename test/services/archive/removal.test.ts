/** The fate of the files, as a table. */
import t from 'tap'
import { decideRemoval, type RemovalFacts } from '../../../services/archive/removal.ts'

const path = '/data/worktrees/p/feature'
const worktree = { provider_type: 'git_worktree', realized_path: path, created_by_runtime: true } as const
const folder = { ...worktree, provider_type: 'local_fs' } as const
const base: RemovalFacts = { row: worktree, verdict: { ok: true, realPath: path }, sharedWith: [], inspection: { isReadable: true, problems: [], hindrances: [] }, isLocked: false }
const no = (code: 'missing' | 'protected' | 'unsafe_path') => ({ ok: false, code, reason: 'a reason' }) as const

const cases: [title: string, changes: Partial<RemovalFacts>, kind: string, reason?: RegExp][] = [
  ['a worktree of this service goes', {}, 'worktree'],
  ['a worktree made by hand is kept', { row: { ...worktree, created_by_runtime: false } }, 'keep', /not made by this service/],
  ['one that others use is kept', { sharedWith: ['a', 'b'] }, 'keep', /used by a and b too/],
  ['one that is gone has nothing to remove', { verdict: no('missing') }, 'gone'],
  ['a protected one is refused', { verdict: no('protected') }, 'refuse', /a reason/],
  ['one behind a symlink is refused', { verdict: no('unsafe_path') }, 'refuse', /a reason/],
  ['a locked one is refused', { isLocked: true }, 'refuse', /locked/],
  ['one that git could not read is refused', { inspection: { isReadable: false, problems: ['Broken.'], hindrances: [] } }, 'refuse', /could not be inspected \(Broken\.\)/],
  ['one that no snapshot could hold is refused', { inspection: { isReadable: true, problems: [], hindrances: ['the submodule part has changes of its own'] } }, 'refuse', /submodule part/],
  ['one that git was not asked about is refused', { inspection: null }, 'refuse', /could not be inspected/],
  ['a workspace without a folder has nothing to remove', { row: { ...worktree, realized_path: null } }, 'none'],
  ['a plain folder of this service goes', { row: folder, inspection: null }, 'folder'],
  ['a plain folder is kept where commands have a user of their own', { row: folder, inspection: null, childUser: 'nobody' }, 'keep', /nobody \(BERTH_CHILD_USER\)/],
  ['a worktree goes there too', { childUser: 'nobody' }, 'worktree'],
  ['the project checkout is not even mentioned', { row: { ...folder, created_by_runtime: false } }, 'none'],
  ['a plain folder that holds a project workspace is kept', { row: folder, verdict: no('protected') }, 'keep', /a reason/],
  ['a plain folder behind a symlink is refused', { row: folder, verdict: no('unsafe_path') }, 'refuse'],
  ['what an adapter manages is left to it', { row: { ...worktree, provider_type: 'adapter_managed' } }, 'none']
]

for (const [title, changes, kind, reason] of cases) {
  t.test(title, async t => {
    const removal = decideRemoval({ ...base, ...changes })
    t.equal(removal.kind, kind)
    if (reason !== undefined) t.match('reason' in removal ? removal.reason : '', reason)
  })
}
