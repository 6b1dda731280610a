/** What a workspace is told to run: its commands, and the runtime config that lists services and jobs. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableCommand, closed, nullableEnum, nullableString, openObject, stringEnum, maxCommandLength, maxNameLength, maxPathLength, nullableInteger } from './kit.ts'

export const commandKinds = ['service', 'job'] as const
export const lifecycles = ['shared', 'ephemeral'] as const
export const scopeTypes = ['project_workspace', 'execution_workspace', 'run', 'agent'] as const
export const desiredStates = ['running', 'stopped'] as const
export const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGUSR2'] as const
export const stopPolicyTypes = ['manual', 'idle_timeout', 'on_run_finish'] as const
export const probeTypes = ['http', 'tcp', 'log', 'command'] as const

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const seconds = (options: object = {}) => Type.Number({ minimum: 0, maximum: 86_400, ...options })

export const PortDefinition = Type.Unsafe<number | { value?: number, type?: 'auto' | 'fixed', envKey?: string } | null>({
  anyOf: [
    { type: 'integer', minimum: 1, maximum: 65_535 },
    {
      type: 'object',
      properties: {
        value: { type: 'integer', minimum: 1, maximum: 65_535 },
        type: { type: 'string', enum: ['auto', 'fixed'] },
        envKey: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 }
      },
      ...closed
    },
    { type: 'null' }
  ],
  description: 'A fixed port, `{value}`, or `{type: auto, envKey}`: one from the range, kept over restarts.'
})

export const ReadinessDefinition = Type.Object({
  type: stringEnum(probeTypes),
  urlTemplate: Type.Optional(text(maxPathLength)),
  url: Type.Optional(text(maxPathLength)),
  pattern: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'For `log`: a regular expression one line must match.' })),
  command: Type.Optional(text(maxCommandLength)),
  timeoutSec: Type.Optional(seconds({ exclusiveMinimum: 0 })),
  intervalMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 }))
}, closed)

export const StopPolicyDefinition = Type.Object({
  type: stringEnum(stopPolicyTypes),
  idleSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_592_000, default: 1800 }))
}, closed)

export const RestartDefinition = Type.Object({
  policy: stringEnum(['never', 'on_failure', 'always']),
  maxRetries: Type.Optional(nullableInteger({ minimum: 0, maximum: 1000 })),
  backoffMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 }))
}, closed)

/** So many processes the kernel can count (PID_MAX_LIMIT of a 64-bit Linux). */
const mostProcesses = 4_194_304

export const LimitsDefinition = Type.Object({
  memoryBytes: Type.Optional(Type.Integer({ minimum: 1_048_576, maximum: Number.MAX_SAFE_INTEGER })),
  maxProcesses: Type.Optional(Type.Integer({ minimum: 1, maximum: mostProcesses }))
}, closed)

/** What has a shape of its own is closed, so that a misspelt field is told; the entry itself is open to other clients' keys. */
export const CommandEntry = Type.Object({
  id: Type.Optional(text(maxNameLength)),
  kind: Type.Optional(stringEnum(commandKinds)),
  name: Type.Optional(text(maxNameLength)),
  label: Type.Optional(text(maxNameLength)),
  title: Type.Optional(text(maxNameLength)),
  description: Type.Optional(nullableString({ maxLength: 2000 })),
  command: Type.Optional(nullableString({ maxLength: maxCommandLength })),
  cwd: Type.Optional(nullableString({ maxLength: maxPathLength })),
  env: Type.Optional(Type.Unsafe<Record<string, string | number | boolean>>({
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 },
    additionalProperties: { type: ['string', 'number', 'boolean'] },
    maxProperties: 500
  })),
  port: Type.Optional(PortDefinition),
  lifecycle: Type.Optional(stringEnum(lifecycles)),
  reuseScope: Type.Optional(stringEnum(scopeTypes)),
  expose: Type.Optional(Type.Object({ type: Type.Optional(Type.String({ maxLength: 50 })), urlTemplate: Type.Optional(text(maxPathLength)) })),
  readiness: Type.Optional(ReadinessDefinition),
  stopPolicy: Type.Optional(StopPolicyDefinition),
  disabledReason: Type.Optional(nullableString({ maxLength: 2000 })),
  restart: Type.Optional(RestartDefinition),
  dependsOn: Type.Optional(Type.Array(Type.Object({
    command: text(maxNameLength),
    condition: Type.Optional(stringEnum(['started', 'healthy', 'completed']))
  }, closed), { maxItems: 100 })),
  stop: Type.Optional(Type.Object({ signal: Type.Optional(stringEnum(stopSignals)), graceSec: Type.Optional(seconds()) }, closed)),
  health: Type.Optional(Type.Object({
    intervalSec: Type.Optional(seconds({ minimum: 1 })),
    failureThreshold: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }))
  }, closed)),
  log: Type.Optional(Type.Object({ maxBytes: Type.Optional(Type.Integer({ minimum: 4096, maximum: 10_737_418_240 })) }, closed)),
  limits: Type.Optional(LimitsDefinition),
  timeoutSec: Type.Optional(seconds({ exclusiveMinimum: 0 }))
}, { additionalProperties: true })

/** Parsed by `services/runtime/config.ts`, which answers 422 with pointers; on the wire it is an open object. */
export const RuntimeConfig = Type.Object({
  commands: Type.Optional(Type.Array(CommandEntry, { maxItems: 200 })),
  services: Type.Optional(Type.Array(CommandEntry, { maxItems: 200 })),
  jobs: Type.Optional(Type.Array(CommandEntry, { maxItems: 200 }))
}, { additionalProperties: true })

export const ServiceStates = Type.Unsafe<Record<string, 'running' | 'stopped'> | null>({
  type: ['object', 'null'],
  propertyNames: { pattern: '^(0|[1-9][0-9]{0,3})$' },
  additionalProperties: { type: 'string', enum: [...desiredStates] },
  description: 'Wanted state by service index.'
})

const OpenRuntimeConfig = Type.Unsafe<Record<string, unknown> | null>({
  type: ['object', 'null'],
  additionalProperties: true,
  description: 'Either `commands` (entries of `kind` service or job), or `services` and `jobs`. Checked when written: 422 with pointers.'
})

const configFields = {
  provisionCommand: NullableCommand,
  teardownCommand: NullableCommand,
  cleanupCommand: NullableCommand,
  workspaceRuntime: OpenRuntimeConfig,
  desiredState: nullableEnum(desiredStates),
  serviceStates: ServiceStates
}

export const WorkspaceConfig = Type.Object(configFields, { $id: 'WorkspaceConfig', description: 'What a workspace is told to run.' })

/** A change of a config: what is left out keeps its value, null clears it. */
export const WorkspaceConfigPatch = Type.Partial(Type.Object(configFields), { $id: 'WorkspaceConfigPatch', ...closed })

export const CommandDefinition = Type.Object({
  id: Type.String(),
  name: Type.String(),
  kind: stringEnum(commandKinds),
  command: nullableString(),
  cwd: nullableString(),
  lifecycle: nullableEnum(lifecycles),
  serviceIndex: nullableInteger({ description: 'The place among the services, from 0; null for jobs.' }),
  disabledReason: nullableString(),
  rawConfig: openObject({ description: 'The entry as it was written.' }),
  source: Type.Object({
    type: stringEnum(['execution_workspace', 'project_workspace', 'project_policy']),
    key: stringEnum(['commands', 'services', 'jobs']),
    index: Type.Integer()
  })
}, { $id: 'CommandDefinition' })

export type WorkspaceConfig = Static<typeof WorkspaceConfig>
export type WorkspaceConfigPatch = Static<typeof WorkspaceConfigPatch>
export type RuntimeConfig = Static<typeof RuntimeConfig>
export type CommandEntry = Static<typeof CommandEntry>
export type CommandDefinition = Static<typeof CommandDefinition>
