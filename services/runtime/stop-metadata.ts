/** What an operation keeps in its metadata of the services it stopped. Pure. */
import type { JsonObject } from '../../db/tables.ts'
import type { StopReport } from './service-stop.ts'

/** The proof: processes before, survivors after, ports free, over all and for each; and for whom others go on. */
export function stopMetadata (reports: readonly StopReport[]): JsonObject {
  const stopped = reports.filter(report => !report.kept)
  const kept = reports.filter(report => report.kept)
  return {
    runtimeServiceCount: stopped.length,
    stop: {
      membersBefore: stopped.flatMap(({ membersBefore }) => membersBefore),
      survivors: stopped.flatMap(({ survivors }) => survivors),
      portFree: stopped.every(({ portFree }) => portFree !== false),
      services: stopped.map(({ kept: _, ...report }) => report)
    },
    ...(kept.length === 0 ? {} : { kept: kept.map(({ kept: _, ...report }) => report) })
  }
}
