/** The current runtime services of workspaces, for lists and single answers. */
import type { Db } from '../../db/client.ts'
import { listCurrentServices, type ServicePlaces } from '../../db/runtime-services.ts'
import type { RuntimeService } from '../../openapi/schemas/runtime.ts'
import { toRuntimeService } from './shape.ts'

export type { ServicePlaces } from '../../db/runtime-services.ts'

/** By workspace id, of either kind; every id asked for is there, with an empty list where nothing was ever started. */
export type CurrentServicesOf = (places: ServicePlaces) => Promise<Map<string, RuntimeService[]>>

/**
 * Reads the newest service of each identity and every live one, those of others that a workspace uses included; at most
 * one query for each kind of place.
 * Those of a project workspace are the ones started for itself, not for an execution workspace of it.
 */
export function createCurrentServices ({ db }: { db: Db }): CurrentServicesOf {
  return async places => {
    const byPlace = new Map<string, RuntimeService[]>()
    for (const id of [...places.executionWorkspaceIds, ...places.projectWorkspaceIds]) byPlace.set(id, [])
    for (const row of await listCurrentServices(db, places)) {
      byPlace.get(row.place_id)?.push(toRuntimeService(row))
    }
    return byPlace
  }
}
