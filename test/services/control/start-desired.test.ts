import { randomUUID } from 'node:crypto'
import t from 'tap'
import { upsertHost } from '../../../db/hosts.ts'
import type { NewRow } from '../../../db/tables.ts'
import type { RuntimeTarget } from '../../../services/control/runtime-place.ts'
import { startDesired } from '../../../services/control/start-desired.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { companyWithWorkspace } from '../../fixtures/operations.ts'

await onBothDatabases(t, 'what should run on this host', async (t, { db }) => {
  const { companyId, projectId } = await companyWithWorkspace(db)
  const [hostId, otherHost] = [randomUUID(), randomUUID()]
  for (const id of [hostId, otherHost]) await upsertHost(db, { id, name: 'test', instanceId: randomUUID(), pid: 1, dataDir: `/data/${id}` })
  const projectWorkspace = async (desired: 'running' | 'stopped', ranOn: string | null): Promise<string> => {
    const id = randomUUID()
    await db.insertInto('project_workspaces').values({ id, company_id: companyId, project_id: projectId, name: 'Main', cwd: '/main', desired_state: desired }).execute()
    if (ranOn !== null) {
      await db.insertInto('runtime_services').values({ id: randomUUID(), company_id: companyId, project_workspace_id: id, scope_type: 'project_workspace', service_name: 'web', status: 'stopped', lifecycle: 'shared', identity_key: id, provider: 'local_process', health_status: 'unknown', host_id: ranOn }).execute()
    }
    return id
  }
  const workspace = async (config: object | null, fields: Partial<NewRow<'execution_workspaces'>> = {}): Promise<string> => {
    const id = randomUUID()
    await db.insertInto('execution_workspaces').values({ id, company_id: companyId, project_id: projectId, host_id: hostId, mode: 'isolated_workspace', strategy_type: 'git_worktree', provider_type: 'git_worktree', name: 'w', status: 'active', config: config === null ? null : JSON.stringify(config), ...fields }).execute()
    return id
  }
  const ranHere = await projectWorkspace('running', hostId)
  await projectWorkspace('running', otherHost)
  await projectWorkspace('running', null)
  await projectWorkspace('stopped', hostId)
  const wanted = await workspace({ desiredState: 'running' })
  const byIndex = await workspace({ desiredState: null, serviceStates: { 2: 'running' } }, { status: 'idle' })
  await workspace({ desiredState: 'stopped', serviceStates: { 0: 'stopped' } })
  await workspace(null)
  await workspace({ desiredState: 'running' }, { status: 'archived' })
  await workspace({ desiredState: 'running' }, { host_id: otherHost })
  await workspace({ desiredState: 'running' }, { mode: 'shared_workspace', strategy_type: 'project_primary', provider_type: 'local_fs', project_workspace_id: ranHere })

  const targets: RuntimeTarget[] = []
  const control = { bringBack: async (target: RuntimeTarget) => { targets.push(target); return { started: 1, problems: [`of ${target.id}`] } } }
  const result = await startDesired({ db, hostId, control }, new AbortController().signal)
  t.same(targets.map(({ id }) => id).sort(), [ranHere, wanted, byIndex].sort())
  t.match(result, { started: 3, problems: { length: 3 } })

  targets.length = 0
  await startDesired({ db, hostId, control }, AbortSignal.abort())
  t.same(targets, [], 'nothing is begun once it is told to end')
})
