/** Shows workspaces with their runtime services; a whole list costs one query for each kind of place. */
import type { ExecutionWorkspace } from '../../openapi/schemas/workspace.ts'
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
    const idsOf = (kind: 'execution' | 'project') => [...new Set(owners.filter(owner => owner.kind === kind).map(({ id }) => id))]
    const services = await currentServicesOf({ executionWorkspaceIds: idsOf('execution'), projectWorkspaceIds: idsOf('project') })
    return rows.map(row => toWorkspace(row, services.get(servicesOwner(row).id) ?? []))
  }
  return {
    showAll,
    async show (row) {
      const [shown] = await showAll([row])
      return shown ?? toWorkspace(row, [])
    }
  }
}
