/** Workspaces are shown with their services, all asked for at once. */
import { test } from 'tap'
import type { RuntimeService } from '../../../openapi/schemas/runtime.ts'
import { createWorkspaceView } from '../../../services/control/workspace-view.ts'
import type { ServicePlaces } from '../../../services/runtime/current-services.ts'
import type { WorkspaceRow } from '../../../services/workspaces/shape.ts'

const at = new Date()
const rowOf = (id: string, extra: Partial<WorkspaceRow> = {}): WorkspaceRow =>
  ({ id, mode: 'isolated_workspace', config: null, metadata: null, project_workspace_id: 'p', last_used_at: at, opened_at: at, closed_at: null, cleanup_eligible_at: null, created_at: at, updated_at: at, created_by_runtime: false, ...extra }) as WorkspaceRow

test('a list asks once; shared workspaces borrow the services of their project workspace', async t => {
  const asked: ServicePlaces[] = []
  const service = (id: string): RuntimeService => ({ id }) as RuntimeService
  const view = createWorkspaceView({
    currentServicesOf: async places => {
      asked.push(places)
      return new Map([['p', [service('of p')]], ['a', [service('of a')]]])
    }
  })
  const shown = await view.showAll([rowOf('b', { mode: 'shared_workspace' }), rowOf('a'), rowOf('c', { mode: 'shared_workspace' }), rowOf('d')])
  t.same(shown.map(({ id, runtimeServices }) => [id, ...runtimeServices.map(one => one.id)]), [['b', 'of p'], ['a', 'of a'], ['c', 'of p'], ['d']])
  t.same(asked, [{ executionWorkspaceIds: ['b', 'a', 'c', 'd'], projectWorkspaceIds: ['p'] }])
  t.same(await view.showAll([]), [])
  t.equal(asked.length, 1, 'nothing is asked for an empty list')
  t.equal((await view.show(rowOf('a'))).runtimeServices.length, 1)
})

test('what another system reports of a shared workspace is shown beside what it borrows', async t => {
  const own = [{ id: 'reported', provider: 'adapter_managed' }, { id: 'of an earlier config', provider: 'local_process' }] as RuntimeService[]
  const view = createWorkspaceView({ currentServicesOf: async () => new Map([['p', [{ id: 'of p' } as RuntimeService]], ['b', own]]) })
  t.same((await view.show(rowOf('b', { mode: 'shared_workspace' }))).runtimeServices.map(({ id }) => id), ['of p', 'reported'])
})
