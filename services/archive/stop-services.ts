/** Stops what a workspace has running before its files go; what another workspace in the same folder uses goes on. */
import { handOverService } from '../../db/archival.ts'
import { listLiveOfWorkspace } from '../../db/runtime-services.ts'
import { stepInput, warn, type ArchiveRun } from './archive-run.ts'
import type { GatheredFacts } from './gather.ts'
import { counted, listed } from './words.ts'

/**
 * Stops the services under an operation of its own, none when nothing runs.
 * @throws StopIncomplete (422) when something survives: then nothing may be removed
 */
export async function stopServices (run: ArchiveRun, facts: GatheredFacts): Promise<void> {
  const { deps, row, actor } = run
  const kept = new Set(facts.handedOver.map(service => service.id))
  // Read anew: the list that the facts were made from may be a moment old.
  const rows = (await listLiveOfWorkspace(deps.db, row.id)).filter(service => !kept.has(service.id))
  if (rows.length > 0) {
    const input = stepInput(row, actor, { phase: 'workspace_teardown', command: 'stop runtime services', cwd: row.cwd, metadata: { action: 'archive', kind: 'stop_runtime_services' } })
    await deps.recorder.run(input, async op => {
      const results = await Promise.allSettled(rows.map(async service => await deps.stopService(service, { op, reason: 'Its workspace was archived.' })))
      const stopped = results.flatMap(result => result.status === 'fulfilled' && result.value !== null ? [result.value] : [])
      op.annotate({ stopped, runtimeServiceCount: stopped.length })
      // Every one is tried; the first that failed tells why the files have to stay.
      const failed = results.find(result => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    })
  }
  if (facts.heir === null || facts.handedOver.length === 0) return
  for (const service of facts.handedOver) await handOverService(deps.db, service.id, facts.heir, deps.now())
  const names = listed(facts.handedOver.map(service => service.serviceName))
  warn(run, `${counted(facts.handedOver.length, 'shared service goes', 'shared services go')} on for another workspace in the same folder: ${names}.`)
}
