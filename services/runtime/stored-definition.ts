/** What a row keeps of the definition it was started from: how it is stopped, watched and restarted, also after a restart of this service. */
import type { JsonObject, Row } from '../../db/tables.ts'
import type { HealthPlan } from './health.ts'
import type { Probe } from './probe.ts'
import type { RestartRule } from './restart-policy.ts'
import { restartRuleOf } from './restart-policy.ts'
import type { ServicePlan } from './service-plan.ts'

/** A probe without its environment, which may hold secrets: a command's is made anew from the config. */
export type StoredProbe = Extract<Probe, { type: 'http' | 'tcp' }> | { type: 'command' }

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
  restart: RestartRule
  /** Null where its health can't be asked. */
  health: Omit<HealthPlan, 'probe'> & { probe: StoredProbe } | null
}

/** Only what is needed later; no environment. */
export function toStored (plan: ServicePlan, logMaxBytes: number, health: HealthPlan | null): JsonObject {
  const stored: StoredDefinition = {
    commandId: plan.commandId,
    stopSignal: plan.stopSignal,
    graceMs: plan.graceMs,
    logMaxBytes: plan.entry.log?.maxBytes ?? logMaxBytes,
    holderKey: plan.holderKey,
    releasesPort: plan.lifecycle === 'ephemeral' && plan.port.type === 'auto',
    restart: restartRuleOf(plan.entry),
    health: health === null ? null : { ...health, probe: storedProbe(health.probe) }
  }
  return { ...stored }
}

function storedProbe (probe: Probe): StoredProbe {
  return probe.type === 'http' || probe.type === 'tcp' ? probe : { type: 'command' }
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
    releasesPort: stored.releasesPort ?? false,
    restart: stored.restart ?? restartRuleOf({}),
    health: stored.health ?? null
  }
}

/** The lock that starting and stopping this service takes. */
export function lockOf (row: Pick<Row<'runtime_services'>, 'id' | 'definition' | 'reuse_key'>): string {
  return `service:${row.reuse_key ?? storedDefinition(row, 0).holderKey}`
}
