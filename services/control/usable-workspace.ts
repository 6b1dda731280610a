/** An execution workspace for actions that hold it or report on it: who may, and that it is not archived meanwhile. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireVisible } from '../access/company-access.ts'
import type { RuntimeAccess } from '../access/runtime-access.ts'
import type { Locks } from '../operations/locks.ts'
import { loadPlace, placeLock, requireUsable, type FoundPlace } from './runtime-place.ts'

export interface UsableWorkspaceDeps {
  db: Db
  access: RuntimeAccess
  locks: Locks
}

/**
 * The workspace, once the actor may manage it and its state has room for running things.
 * @throws NotFound (404), Forbidden (403), WorkspaceStateConflict (409)
 */
export async function openWorkspace ({ db, access }: UsableWorkspaceDeps, actor: Actor, id: string): Promise<FoundPlace> {
  const place = requireVisible(actor, await loadPlace(db, { kind: 'execution', id }, row => { requireVisible(actor, row) }), 'write')
  await access.requireRuntimeManagement(actor, { companyId: place.companyId, executionWorkspaceId: place.id })
  requireUsable(place)
  return place
}

/**
 * Runs a step with the workspace as it is then; nobody archives or restores it meanwhile.
 * @throws WorkspaceBusy, WorkspaceStateConflict (409)
 */
export async function whileUsable<T> ({ db, locks }: UsableWorkspaceDeps, { kind, id }: FoundPlace, purpose: string, step: (place: FoundPlace) => Promise<T>): Promise<T> {
  return await locks.withLock(placeLock({ kind, id }, purpose), async () => {
    // What was true before the lock may not be any more: an archive may have come first.
    const place = await loadPlace(db, { kind: 'execution', id })
    if (place === null) throw absent()
    requireUsable(place)
    return await step(place)
  })
}
