/** Shows workspaces with their runtime services; a whole list costs one query for each kind of place. */
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { CurrentServicesOf } from '../runtime/current-services.ts'
import { servicesOwner, toWorkspace, type WorkspaceRow } from '../workspaces/shape.ts'

export interface WorkspaceView {
  /** As GET answers it. */
  show (row: WorkspaceRow): Promise<ExecutionWorkspace>
  /** In the order given. */
  showAll (rows: readonly WorkspaceRow[]): Promise<ExecutionWorkspace[]>
}

export function createWorkspaceView ({ currentServicesOf }: { currentServicesOf: CurrentServicesOf }): WorkspaceView {
  async function showAll (rows: readonly WorkspaceRow[]): Promise<ExecutionWorkspace[]> {
    if (rows.length === 0) return []
    const owners = rows.map(servicesOwner)
    const lenders = owners.filter(owner => owner.kind === 'project').map(({ id }) => id)
    const services = await currentServicesOf({ executionWorkspaceIds: rows.map(({ id }) => id), projectWorkspaceIds: [...new Set(lenders)] })
    return rows.map(row => toWorkspace(row, shownServices(row, services)))
  }
  return {
    showAll,
    async show (row) {
      const [shown] = await showAll([row])
      return shown ?? toWorkspace(row, [])
    }
  }
}

/** Its own, or those of its project workspace; what another system reports is always of the workspace itself. */
function shownServices (row: WorkspaceRow, services: ReadonlyMap<string, RuntimeService[]>): RuntimeService[] {
  const own = services.get(row.id) ?? []
  const owner = servicesOwner(row)
  if (owner.kind === 'execution') return own
  return [...services.get(owner.id) ?? [], ...own.filter(service => service.provider === 'adapter_managed')]
}
