/** Stops what a workspace has running before its files go; what other workspaces use too goes on for them. */
import { dropServiceUsesOf, type UsingPlace } from '../../db/service-uses.ts'
import { stopMetadata, stopsGoOn } from '../runtime/stop-metadata.ts'
import type { StopReport } from '../runtime/supervisor.ts'
import { stepInput, warn, type ArchiveRun } from './archive-run.ts'
import { listLeaving } from './leaving-services.ts'
import { counted, listed } from './words.ts'

/**
 * Stops the services under an operation of its own, none when nothing runs.
 * @throws StopIncomplete (422) when something survives: then nothing may be removed
 */
export async function stopServices (run: ArchiveRun): Promise<void> {
  const { deps, row, actor } = run
  const place: UsingPlace = { kind: 'execution', id: row.id }
  // Read anew: the list that the facts were made from may be a moment old.
  const rows = await listLeaving(deps.db, row)
  if (rows.length > 0) {
    const input = stepInput(row, actor, { phase: 'workspace_teardown', command: 'stop runtime services', cwd: row.cwd, metadata: { action: 'archive', kind: 'stop_runtime_services' } })
    await deps.recorder.run(input, async op => {
      op.refuseCancel(stopsGoOn)
      const results = await Promise.allSettled(rows.map(async service => await deps.stopService(service, { op, reason: 'Its workspace was archived.', leaving: place })))
      const reports = results.flatMap(result => result.status === 'fulfilled' && result.value !== null ? [result.value] : [])
      op.annotate(stopMetadata(reports))
      tellKept(run, reports)
      // Every one is tried; the first that failed tells why the files have to stay.
      const failed = results.find(result => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    })
  }
  await dropServiceUsesOf(deps.db, place)
}

function tellKept (run: ArchiveRun, reports: readonly StopReport[]): void {
  const kept = reports.filter(report => report.kept)
  if (kept.length === 0) return
  const users = [...new Set(kept.flatMap(({ usedBy }) => usedBy.map(({ name }) => name)))]
  warn(run, `${counted(kept.length, 'shared service goes', 'shared services go')} on, since ${listed(users)} ${users.length === 1 ? 'uses' : 'use'} ${kept.length === 1 ? 'it' : 'them'} too: ${listed(kept.map(({ serviceName }) => serviceName))}.`)
}
