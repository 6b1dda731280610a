/** Names of branches: from templates, always safe, never empty by default. */
import fc from 'fast-check'
import { test } from 'tap'
import { problemOf } from '../../fixtures/workspaces.ts'
import { nameBranch, type BranchWish } from '../../../services/workspaces/branch.ts'

const wish: BranchWish = {
  template: null,
  workspaceId: '12345678-0000-4000-8000-000000000000',
  name: null,
  projectId: 'p-1',
  repoRef: 'develop',
  issue: { id: 'i-1', identifier: 'ACME-7', title: 'Fix: the "login" page!' },
  agent: { id: 'a-1', name: 'Ada L.' }
}

test('the default is the issue\'s identifier and the slug of its title', async t => {
  t.equal(nameBranch(wish), 'ACME-7-fix-the-login-page')
  t.equal(nameBranch({ ...wish, issue: null, name: 'My Feature' }), 'my-feature')
  t.equal(nameBranch({ ...wish, issue: { id: 'i', identifier: null, title: '???' } }), 'workspace-12345678')
  t.equal(nameBranch({ ...wish, issue: null }), 'workspace-12345678')
})

test('every variable of a template is rendered and made safe', async t => {
  t.equal(nameBranch({ ...wish, template: '{{agent.name}}/{{ issue.id }}_{{project.id}}/{{workspace.repoRef}}~{{slug}}' }), 'Ada-L./i-1_p-1/develop-fix-the-login-page')
  t.equal(nameBranch({ ...wish, template: 'x/{{agent.id}}', agent: null }), 'x')
})

test('a template of which nothing is left, or with unknown variables, is refused with its place', async t => {
  const refused = async (changes: Partial<BranchWish>): Promise<void> => {
    t.match(await problemOf((async () => nameBranch({ ...wish, ...changes }))()), { code: 'branch_name_invalid', members: { errors: [{ pointer: '/workspaceStrategy/branchTemplate' }] } })
  }
  await refused({ template: '--/..' })
  await refused({ template: '{{issue.identifier}}', issue: null })
  await refused({ template: '{{env.SECRET}}-x' })
})

test('whatever the issue says, the name is safe', async t => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ maxLength: 50 }), (title, identifier) => {
    const name = nameBranch({ ...wish, issue: { id: 'i', identifier, title } })
    return /^[A-Za-z0-9._/-]{1,120}$/.test(name) && !/^[-/.]|[-/.]$|--|\.\.|\/\//.test(name)
  }), { numRuns: 100 })
  t.pass()
})
