/** The plan of an archive: the right steps, in the order they happen. */
import t from 'tap'
import type { CloseCommand } from '../../../services/archive/facts.ts'
import { planActions, shellWord } from '../../../services/archive/planned-actions.ts'
import { closeFacts, gitFacts, serviceFacts, workspaceId, worktreePath, type FactChanges } from '../../fixtures/close-facts.ts'

const commands: CloseCommand[] = [
  { kind: 'cleanup_command', source: 'execution_workspace', command: './clean-own' },
  { kind: 'cleanup_command', source: 'project_workspace', command: './clean-project' },
  { kind: 'teardown_command', source: 'strategy', command: './teardown' }
]

const kindsOf = (facts: FactChanges) => planActions(closeFacts(facts)).map(action => action.kind)

t.test('everything a worktree can need, in order', async t => {
  const actions = planActions(closeFacts({ commands, stopping: [serviceFacts('web')] }))
  t.same(actions.map(({ kind, command }) => [kind, command]), [
    ['archive_record', null],
    ['stop_runtime_services', null],
    ['rescue_snapshot', null],
    ['cleanup_command', './clean-own'],
    ['cleanup_command', './clean-project'],
    ['teardown_command', './teardown'],
    ['git_worktree_remove', `git worktree remove ${worktreePath}`],
    ['git_branch_delete', 'git branch -d feature']
  ])
  t.ok(actions.every(action => action.label !== '' && action.description !== ''), 'each says what it does')
  t.match(actions[2]?.description, `refs/berth/rescue/${workspaceId}`)
})

t.test('a plan holds only what will happen', async t => {
  t.same(kindsOf({ removal: { kind: 'none' }, row: { branch_name: null } }), ['archive_record'])
  t.same(kindsOf({ row: { branch_created_by_runtime: false } }), ['archive_record', 'rescue_snapshot', 'git_worktree_remove'], 'a branch made by hand is not deleted')
  t.same(kindsOf({ removal: { kind: 'keep', path: worktreePath, reason: 'in use' } }), ['archive_record'], 'a kept folder keeps its branch')
  t.same(kindsOf({ removal: { kind: 'refuse', path: worktreePath, reason: 'locked' } }), ['archive_record'])
  t.same(kindsOf({ removal: { kind: 'gone', path: worktreePath } }), ['archive_record', 'rescue_snapshot', 'git_worktree_remove', 'git_branch_delete'], 'of a lost folder, what was staged is rescued')
  t.same(kindsOf({ row: { provider_type: 'local_fs', branch_created_by_runtime: false }, removal: { kind: 'folder', path: '/data/folders/x' } }), ['archive_record', 'rescue_snapshot', 'remove_local_directory'])
  t.same(kindsOf({ row: { provider_type: 'local_fs', branch_created_by_runtime: false }, removal: { kind: 'gone', path: '/data/folders/x' } }), ['archive_record'])
  t.same(kindsOf({ row: { status: 'archived' } }), [], 'an archived workspace has nothing left to do')
})

t.test('the snapshot says how many ignored entries it leaves out', async t => {
  const rescueOf = (ignoredEntryCount: number) =>
    planActions(closeFacts({ git: gitFacts({ ignoredEntryCount }) })).find(action => action.kind === 'rescue_snapshot')?.description ?? ''
  t.notMatch(rescueOf(0), 'ignored')
  t.match(rescueOf(1), '1 ignored entry is not in it')
  t.match(rescueOf(2), '2 ignored entries are not in it')
})

t.test('a path or branch is quoted where a shell would split it', async t => {
  t.equal(shellWord('/a/b-c_d.e'), '/a/b-c_d.e')
  t.equal(shellWord('/a b'), "'/a b'")
  t.equal(shellWord("it's"), "'it'\\''s'")
  t.equal(shellWord('$(x)'), "'$(x)'")
})
