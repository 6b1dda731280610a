/** The config of a workspace: kept in a column of its own, patched key by key, shown in `metadata.config` too. */
import type { WorkspaceConfig, WorkspaceConfigPatch } from '../../openapi/schemas/workspace-config.ts'
import type { JsonObject } from '../../db/tables.ts'

/** Keys of `metadata` that the service fills in; a client's values for them are not kept there. */
export const serverMetadataKeys = ['config', 'createdByRuntime'] as const

const emptyConfig: WorkspaceConfig = {
  provisionCommand: null,
  teardownCommand: null,
  cleanupCommand: null,
  workspaceRuntime: null,
  desiredState: null,
  serviceStates: null
}

/** Every key present, null where nothing is set; null when nothing at all is set. */
export function normalizeConfig (config: Partial<WorkspaceConfig> | null): WorkspaceConfig | null {
  if (config === null) return null
  const full: WorkspaceConfig = {
    provisionCommand: config.provisionCommand ?? null,
    teardownCommand: config.teardownCommand ?? null,
    cleanupCommand: config.cleanupCommand ?? null,
    workspaceRuntime: config.workspaceRuntime ?? null,
    desiredState: config.desiredState ?? null,
    serviceStates: config.serviceStates ?? null
  }
  return Object.values(full).every(value => value === null) ? null : full
}

/**
 * Changes a config: null clears it all, a key left out keeps its value, null clears the key.
 * The answer is null when nothing is left.
 */
export function patchConfig (current: WorkspaceConfig | null, patch: WorkspaceConfigPatch | null): WorkspaceConfig | null {
  if (patch === null) return null
  return normalizeConfig({ ...(current ?? emptyConfig), ...definedOnly(patch) })
}

/** The keys of a config that differ, for activity rows: names only, never values. */
export function changedConfigKeys (before: WorkspaceConfig | null, after: WorkspaceConfig | null): string[] {
  const keys = Object.keys(emptyConfig) as (keyof WorkspaceConfig)[]
  return keys.filter(key => JSON.stringify(before?.[key] ?? null) !== JSON.stringify(after?.[key] ?? null))
}

/** What of a client's `metadata` is kept as it is: everything but the keys that the service fills in. */
export function clientMetadata (metadata: JsonObject | null): JsonObject | null {
  if (metadata === null) return null
  const own = new Set<string>(serverMetadataKeys)
  const kept = Object.entries(metadata).filter(([key]) => !own.has(key))
  return kept.length === 0 ? null : Object.fromEntries(kept)
}

/** `metadata` as it is shown: the client's keys, the config, and who made the files. */
export function shownMetadata (own: JsonObject | null, config: WorkspaceConfig | null, createdByRuntime: boolean): JsonObject {
  return { ...own, ...(config === null ? {} : { config }), createdByRuntime }
}

function definedOnly (patch: WorkspaceConfigPatch): Partial<WorkspaceConfig> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}
