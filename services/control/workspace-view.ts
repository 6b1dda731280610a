/** Shows workspaces with their runtime services; a whole list costs one query for each kind of place. */
import type { ServiceRow } from '../../db/runtime-services.ts'
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import type { CurrentServicesOf } from '../runtime/current-services.ts'
import { toRuntimeService } from '../runtime/shape.ts'
import { servicesOwner, toWorkspace, type WorkspaceRow } from '../workspaces/shape.ts'

export interface WorkspaceView {
  /** As GET answers it. */
  show (row: WorkspaceRow): Promise<ExecutionWorkspace>
  /** In the order given. */
  showAll (rows: readonly WorkspaceRow[]): Promise<ExecutionWorkspace[]>
  /** The services that `show` gives. */
  servicesOf (row: WorkspaceRow): Promise<RuntimeService[]>
}

export function createWorkspaceView ({ currentServicesOf }: { currentServicesOf: CurrentServicesOf }): WorkspaceView {
  async function servicesOfAll (rows: readonly WorkspaceRow[]): Promise<ReadonlyMap<string, RuntimeService[]>> {
    const owners = rows.map(servicesOwner)
    const lenders = owners.filter(owner => owner.kind === 'project').map(({ id }) => id)
    return await currentServicesOf({ executionWorkspaceIds: rows.map(({ id }) => id), projectWorkspaceIds: [...new Set(lenders)] })
  }
  const servicesOf = async (row: WorkspaceRow): Promise<RuntimeService[]> => shownServices(row, await servicesOfAll([row]))
  return {
    servicesOf,
    show: async row => toWorkspace(row, await servicesOf(row)),
    async showAll (rows) {
      if (rows.length === 0) return []
      const services = await servicesOfAll(rows)
      return rows.map(row => toWorkspace(row, shownServices(row, services)))
    }
  }
}

/** With what was just started and is not among them, because another workspace shares it. */
export function withStarted (shown: readonly RuntimeService[], started: readonly ServiceRow[]): RuntimeService[] {
  const missing = started.filter(({ id }) => !shown.some(service => service.id === id))
  return [...shown, ...missing.map(toRuntimeService)]
}

/** Its own, or those of its project workspace; what another system reports is always of the workspace itself. */
function shownServices (row: WorkspaceRow, services: ReadonlyMap<string, RuntimeService[]>): RuntimeService[] {
  const own = services.get(row.id) ?? []
  const owner = servicesOwner(row)
  if (owner.kind === 'execution') return own
  return [...services.get(owner.id) ?? [], ...own.filter(service => service.provider === 'adapter_managed')]
}
