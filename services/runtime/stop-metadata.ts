/** What an operation keeps in its metadata of the services it stopped. Pure. */
import type { JsonObject } from '../../db/tables.ts'
import { isProblem } from '../errors.ts'
import type { StopReport } from './service-stop.ts'

/** Why a stop is not cancelled: half a stop is nothing to go back to, and it is bounded. */
export const stopsGoOn = 'A stop can not be cancelled: it ends by itself within its grace time. Start the service again afterwards.'

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

/** What it keeps of a stop that failed: the proof of what survived; nothing where something else went wrong. */
export function failedStopMetadata (error: unknown): JsonObject {
  return isProblem(error) && error.code === 'stop_incomplete' ? { code: error.code, stop: error.members['proof'] } : {}
}
