/** The 409 of a resource somebody else holds: who, since when, under which operation. */
import { WorkspaceBusy, type Problem } from '../errors.ts'

export interface LockHolder {
  /** Of the lock's row. */
  id: string
  purpose: string
  operationId: string | null
  hostId: string
  since: Date
}

const words: Record<string, string> = {
  workspace: 'The workspace',
  'project-workspace': 'The project workspace',
  service: 'The service',
  repository: 'The repository',
  'run-lease': 'The lease of the run',
  sweep: 'The sweeper'
}

/** The problem that names the holder. */
export function busy (resource: string, holder: LockHolder | undefined): Problem {
  const what = words[resource.slice(0, resource.indexOf(':'))] ?? 'What this needs'
  if (holder === undefined) return new WorkspaceBusy(`${what} is busy; try again.`)
  const { purpose, operationId, hostId, since } = holder
  const under = operationId === null ? '' : ` (operation ${operationId})`
  return new WorkspaceBusy(`${what} is busy: ${purpose}${under}, since ${since.toISOString()}.`, {
    members: {
      ...(operationId === null ? {} : { operationId }),
      holder: { purpose, operationId, hostId, since: since.toISOString() }
    },
    headers: { 'retry-after': '1' }
  })
}
