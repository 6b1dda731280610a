/** Agents: automated workers, and who reports to whom. */
import { deleteAgent, findAgent, insertAgent, listAgents, updateAgent, type AgentRow } from '../../db/agents.ts'
import { findCompany } from '../../db/companies.ts'
import { holdersOfAgent, releaseAgent } from '../../db/dependents.ts'
import type { Agent, AgentBody } from '../../openapi/schemas/directory.ts'
import { createResource, type Resource, type ResourceDeps } from './resource.ts'
import { toAgent } from './shape.ts'

type Values = Pick<AgentRow, 'name' | 'role' | 'reports_to' | 'status'>

/** `reportsTo` may form a cycle: who decides by it tolerates that. Throws InvalidReference for an unknown one. */
export function createAgents (deps: ResourceDeps): Resource<AgentBody, Agent> {
  return createResource<AgentRow, Values, AgentBody, Agent>({
    entity: 'agent',
    find: (db, { companyId, id }, lock) => findAgent(db, companyId, id, lock),
    list: (db, { companyId }, slice) => listAgents(db, companyId, slice),
    insert: (trx, { companyId, id }, values, now) => insertAgent(trx, { id, company_id: companyId, ...values, created_at: now, updated_at: now }),
    update: (trx, { id }, values, now) => updateAgent(trx, id, { ...values, updated_at: now }),
    holders: (trx, { id }) => holdersOfAgent(trx, id),
    async remove (trx, { id }) {
      await releaseAgent(trx, id)
      await deleteAgent(trx, id)
    },
    prepare: async body => body,
    exists: async (db, { companyId }) => await findCompany(db, companyId) !== undefined,
    enter: async () => {},
    values: async (_trx, _key, { name, role = 'general', reportsTo = null, status = 'active' }) =>
      ({ name, role, reports_to: reportsTo?.toLowerCase() ?? null, status }),
    toItem: toAgent
  }, deps)
}
