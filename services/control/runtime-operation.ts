/** How a runtime action is recorded as an operation. */
import type { JsonObject } from '../../db/tables.ts'
import type { OperationInput } from '../operations/recorder.ts'
import type { WorkspaceCommand } from '../runtime/commands.ts'
import type { RuntimePlace } from './runtime-place.ts'
import type { RuntimeRequest } from './runtime-request.ts'

/** The operation of a request, for the run that asks for it if one does. */
export function operationInput (place: RuntimePlace, { action, command, runtimeServiceId }: Pick<RuntimeRequest, 'action' | 'command' | 'runtimeServiceId'>, runId: string | null): OperationInput {
  const executionWorkspaceId = place.workspace?.id ?? null
  return {
    companyId: place.companyId,
    executionWorkspaceId,
    projectWorkspaceId: place.projectWorkspace?.id ?? null,
    heartbeatRunId: runId,
    phase: action === 'stop' ? 'workspace_teardown' : 'workspace_provision',
    command: command?.definition.command ?? `${action} ${runtimeServiceId === null ? 'all runtime services' : 'one runtime service'}`,
    cwd: place.cwd,
    metadata: { action, executionWorkspaceId, ...commandMetadata(command), runtimeServiceId, runtimeServiceCount: 0 }
  }
}

function commandMetadata (command: WorkspaceCommand | null): JsonObject {
  if (command === null) return { workspaceCommandId: null, workspaceCommandKind: null, workspaceCommandName: null, serviceIndex: null }
  const { id, kind, name, serviceIndex } = command.definition
  return { workspaceCommandId: id, workspaceCommandKind: kind, workspaceCommandName: name, serviceIndex }
}
