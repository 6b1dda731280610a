import { randomUUID } from 'node:crypto'
import t from 'tap'
import { insertAdapterService, listServicesById, lockReportsOf, updateAdapterService } from '../../db/adapter-services.ts'
import { onBothDatabases } from '../fixtures/database.ts'
import { leaseRows } from '../fixtures/leases.ts'

await onBothDatabases(t, 'services of other systems', async (t, { db }) => {
  const { workspace, service, companyId } = await leaseRows(db)
  const id = await workspace()
  const source = { workspaceId: id, adapterType: 'box' }
  const row = { id: randomUUID(), company_id: companyId, execution_workspace_id: id, scope_type: 'execution_workspace', service_name: 'web', status: 'running', lifecycle: 'shared', identity_key: 'a', provider: 'adapter_managed', health_status: 'unknown', definition: JSON.stringify(source) } as const
  t.match(await insertAdapterService(db, row), { id: row.id })
  t.equal(await insertAdapterService(db, row), undefined, 'an id that is taken is left alone')
  t.match(await updateAdapterService(db, row.id, source, { service_name: 'api' }), { service_name: 'api' })
  t.equal(await updateAdapterService(db, row.id, { ...source, adapterType: 'other' }, { service_name: 'no' }), undefined)
  t.equal(await updateAdapterService(db, row.id, { ...source, workspaceId: randomUUID() }, { service_name: 'no' }), undefined)
  const local = await service(id, { definition: JSON.stringify(source) })
  t.equal(await updateAdapterService(db, local.id, source, { service_name: 'no' }), undefined, 'a service of this host is never changed')
  t.same((await listServicesById(db, [row.id, local.id, randomUUID()])).map(one => one.service_name).sort(), ['api', 'web'])
  t.equal(await db.transaction().execute(async trx => await lockReportsOf(trx, id)), true)
  t.equal(await db.transaction().execute(async trx => await lockReportsOf(trx, randomUUID())), false)
})
