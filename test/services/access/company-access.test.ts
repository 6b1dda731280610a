/** Who may do what in a company, actor by actor. */
import t from 'tap'
import { membershipRoles, membershipStatuses, systemActor, type Actor } from '../../../services/access/actor.ts'
import { companyAccess, reaches, requireCompany, requireInstanceAdmin, requireVisible } from '../../../services/access/company-access.ts'
import { agentOf, nobody, person } from '../../fixtures/app.ts'
import { localBoard } from '../../../services/access/actor.ts'

const ours = '11111111-1111-4111-8111-111111111111'
const theirs = '22222222-2222-4222-8222-222222222222'
const agentId = '33333333-3333-4333-8333-333333333333'

const levels: [string, Actor, string][] = [
  ['nobody', nobody, 'none'],
  ['the local person', localBoard, 'admin'],
  ['the service itself', systemActor, 'admin'],
  ['an owner', person(ours, 'owner'), 'admin'],
  ['an admin', person(ours, 'admin'), 'admin'],
  ['a member', person(ours, 'member'), 'write'],
  ['a viewer', person(ours, 'viewer'), 'read'],
  ['an invited owner', person(ours, 'owner', 'invited'), 'none'],
  ['a suspended owner', person(ours, 'owner', 'suspended'), 'none'],
  ['an owner of another company', person(theirs, 'owner'), 'none'],
  ['an agent', agentOf(ours, agentId), 'write'],
  ['an agent of another company', agentOf(theirs, agentId), 'none']
]

for (const [who, actor, level] of levels) {
  t.test(`${who} has the access "${level}"`, async t => {
    t.equal(companyAccess(actor, ours), level)
    t.equal(companyAccess(actor, ours.toUpperCase()), level, 'however the id is written')
  })
}

t.test('only active memberships count, whatever the role', async t => {
  for (const role of membershipRoles) {
    for (const status of membershipStatuses) t.equal(companyAccess(person(ours, role, status), ours) === 'none', status !== 'active', `${role} ${status}`)
  }
})

t.test('levels are ordered', async t => {
  t.ok(reaches('admin', 'write') && reaches('write', 'read') && reaches('read', 'read'))
  t.notOk(reaches('read', 'write') || reaches('none', 'read'))
})

t.test('a path with a company answers 401 to nobody and 403 to strangers', async t => {
  t.throws(() => requireCompany(nobody, ours, 'read'), { statusCode: 401, code: 'unauthenticated' })
  t.throws(() => requireCompany(person(theirs), ours, 'read'), { statusCode: 403, code: 'forbidden' })
  t.throws(() => requireCompany(person(ours, 'viewer'), ours, 'write'), { code: 'forbidden' })
  t.throws(() => requireCompany(person(ours, 'member'), ours, 'admin'), { code: 'forbidden' })
  t.throws(() => requireCompany(agentOf(ours, agentId), ours, 'admin'), { code: 'forbidden' }, 'agents never administer')
  t.doesNotThrow(() => requireCompany(person(ours, 'viewer'), ours, 'read'))
})

t.test('what may not be seen is answered like what is not there, to the letter', async t => {
  const problemOf = (row: { company_id: string } | undefined) => {
    try {
      return requireVisible(person(theirs), row)
    } catch (error) {
      return { ...(error as object), message: (error as Error).message, detail: (error as { detail: string }).detail }
    }
  }
  t.same(problemOf({ company_id: ours }), problemOf(undefined))
  t.match(problemOf(undefined), { statusCode: 404, code: 'not_found' })
})

t.test('what may be seen comes back; a viewer who would change it gets 403, not 404', async t => {
  const row = { companyId: ours, name: 'a' }
  t.equal(requireVisible(person(ours, 'viewer'), row), row)
  t.throws(() => requireVisible(person(ours, 'viewer'), row, 'write'), { code: 'forbidden' })
  t.throws(() => requireVisible(nobody, row), { code: 'unauthenticated' })
})

t.test('only instance admins do what is of the whole instance', async t => {
  t.doesNotThrow(() => requireInstanceAdmin(localBoard))
  t.throws(() => requireInstanceAdmin(person(ours, 'owner')), { code: 'forbidden' })
  t.throws(() => requireInstanceAdmin(agentOf(ours, agentId)), { code: 'forbidden' })
  t.throws(() => requireInstanceAdmin(nobody), { code: 'unauthenticated' })
})
