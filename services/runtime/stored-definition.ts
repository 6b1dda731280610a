/** What a row keeps of the definition it was started from: how to stop it and cap its log, also after a restart of this service. */
import type { JsonObject, Row } from '../../db/tables.ts'
import type { ServicePlan } from './service-plan.ts'

export interface StoredDefinition {
  /** Id of the workspace command. */
  commandId: string | null
  stopSignal: NodeJS.Signals
  graceMs: number
  logMaxBytes: number
  /** For whom the port is kept. */
  holderKey: string
  /** The port is given back when the service ends: nobody will ask for it again. */
  releasesPort: boolean
}

/** Only what is needed later; no environment, which may hold secrets. */
export function toStored (plan: ServicePlan, logMaxBytes: number): JsonObject {
  const stored: StoredDefinition = {
    commandId: plan.commandId,
    stopSignal: plan.stopSignal,
    graceMs: plan.graceMs,
    logMaxBytes: plan.entry.log?.maxBytes ?? logMaxBytes,
    holderKey: plan.holderKey,
    releasesPort: plan.lifecycle === 'ephemeral' && plan.port.type === 'auto'
  }
  return { ...stored }
}

/** Reads it back; what an older row lacks takes its usual value. */
export function storedDefinition ({ id, definition }: Pick<Row<'runtime_services'>, 'id' | 'definition'>, logMaxBytes: number): StoredDefinition {
  const stored: Partial<StoredDefinition> = definition ?? {}
  return {
    commandId: stored.commandId ?? null,
    stopSignal: stored.stopSignal ?? 'SIGTERM',
    graceMs: stored.graceMs ?? 10_000,
    logMaxBytes: stored.logMaxBytes ?? logMaxBytes,
    holderKey: stored.holderKey ?? id,
    releasesPort: stored.releasesPort ?? false
  }
}

/** The lock that starting and stopping this service takes. */
export function lockOf (row: Pick<Row<'runtime_services'>, 'id' | 'definition' | 'reuse_key'>): string {
  return `service:${row.reuse_key ?? storedDefinition(row, 0).holderKey}`
}
