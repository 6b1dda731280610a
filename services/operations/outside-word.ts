/** What other hosts have to say about operations of this process: that somebody cancels one, or that its record was ended. */
import type { Db } from '../../db/client.ts'
import { listToldToEnd, refuseCancel } from '../../db/workspace-operations.ts'
import { isProblem } from '../errors.ts'
import { readCanceller } from './cancellation.ts'
import { hasEnded } from './operations.ts'
import type { Recorder } from './recorder.ts'
import { startRepeated } from './repeated.ts'

export interface OutsideWordOptions {
  db: Db
  recorder: Pick<Recorder, 'underWay' | 'cancel' | 'letGo'>
  everyMs?: number
  /** Told once when looks begin to fail. */
  onFailure: (error: unknown) => void
}

/** So long at most is somebody on another host unheard. Costs one small query while something is under way, else nothing. */
const defaultEveryMs = 1_000

/** Looks once. */
export async function heedOutside ({ db, recorder }: Pick<OutsideWordOptions, 'db' | 'recorder'>): Promise<void> {
  const ids = recorder.underWay()
  if (ids.length === 0) return
  for (const told of await listToldToEnd(db, ids)) {
    if (hasEnded(told)) recorder.letGo(told.id)
    else await cancelHere({ db, recorder }, told.id, told.cancel_requested_by)
  }
}

async function cancelHere ({ db, recorder }: Pick<OutsideWordOptions, 'db' | 'recorder'>, id: string, by: unknown): Promise<void> {
  try {
    recorder.cancel(id, readCanceller(by))
  } catch (error) {
    if (!isProblem(error)) throw error
    await refuseCancel(db, id, error.detail)
  }
}

/** Looks until stopped; the stop resolves when no look is under way any more. */
export function startHeeding ({ everyMs = defaultEveryMs, onFailure, ...options }: OutsideWordOptions): () => Promise<void> {
  return startRepeated({ everyMs, look: async () => await heedOutside(options), onFailure: (error, again) => { if (!again) onFailure(error) } })
}
