/** Companies: the tenants. */
import { randomUUID } from 'node:crypto'
import { deleteCompany, findCompany, insertCompany, listCompanies, updateCompany, type CompanyRow } from '../../db/companies.ts'
import { deleteRestOfCompany, holdersOfCompany } from '../../db/dependents.ts'
import type { Company, CompanyBody } from '../../openapi/schemas/directory.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { Actor } from '../access/actor.ts'
import { requireActor, requireInstanceAdmin } from '../access/company-access.ts'
import { readableCompanies } from '../access/readable-companies.ts'
import { readPage, type PageRequest } from './created-pages.ts'
import { createResource, type Resource, type ResourceDeps } from './resource.ts'
import { toCompany } from './shape.ts'

export interface Companies extends Pick<Resource<CompanyBody, Company>, 'get' | 'put' | 'delete'> {
  /** Those the actor may see. */
  listVisible (actor: Actor, page: PageRequest): Promise<Page<Company>>
  /** Only instance admins make companies of a new id. */
  createNew (actor: Actor, body: CompanyBody): Promise<Company>
}

export function createCompanies (deps: ResourceDeps): Companies {
  const resource = createResource<CompanyRow, { name: string }, CompanyBody, Company>({
    entity: 'company',
    find: (db, { id }, lock) => findCompany(db, id, lock),
    list: async () => [],
    insert: (trx, { id }, values, now) => insertCompany(trx, { id, ...values, created_at: now, updated_at: now }),
    update: (trx, { id }, values, now) => updateCompany(trx, id, { ...values, updated_at: now }),
    holders: (trx, { id }) => holdersOfCompany(trx, id),
    async remove (trx, { id }) {
      await deleteRestOfCompany(trx, id)
      await deleteCompany(trx, id)
    },
    prepare: async body => body,
    exists: async () => true,
    enter: async () => {},
    values: async (_trx, _key, { name }) => ({ name }),
    toItem: toCompany
  }, deps)
  return {
    get: resource.get,
    put: resource.put,
    delete: resource.delete,
    async listVisible (actor, page) {
      requireActor(actor)
      const visible = readableCompanies(actor)
      return await readPage(page, slice => listCompanies(deps.db, visible, slice), toCompany)
    },
    async createNew (actor, body) {
      requireInstanceAdmin(actor)
      const id = randomUUID()
      return (await resource.put(actor, { companyId: id, projectId: null, id }, body)).item
    }
  }
}
