import t from 'tap'
import { localBoard, systemActor } from '../../../services/access/actor.ts'
import { companyAccess } from '../../../services/access/company-access.ts'
import { readableCompanies } from '../../../services/access/readable-companies.ts'
import { agentOf, nobody, person } from '../../fixtures/app.ts'

t.test('the service and instance admins read all companies, nobody reads none', async t => {
  t.equal(readableCompanies(systemActor), null)
  t.equal(readableCompanies(localBoard), null)
  t.same(readableCompanies(nobody), [])
})

t.test('everybody else reads exactly the companies they have access to', async t => {
  for (const actor of [agentOf('one', 'agent'), person('one', 'viewer'), person('one', 'owner'), person('one', 'member', 'invited'), person('one', 'admin', 'suspended')]) {
    for (const company of ['one', 'other']) {
      t.equal(readableCompanies(actor)?.includes(company), companyAccess(actor, company) !== 'none', JSON.stringify(actor))
    }
  }
})
