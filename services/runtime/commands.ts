/** Lists the workspace commands of a runtime config: their ids, kinds and service numbers. Pure. */
import type { CommandDefinition, CommandEntry, RuntimeConfig } from '../../openapi/schemas/workspace-config.ts'

export type CommandKind = CommandDefinition['kind']
export type ConfigSource = CommandDefinition['source']['type']

/** A command as clients see it, and the entry it was made from. */
export interface WorkspaceCommand {
  definition: CommandDefinition
  entry: CommandEntry
}

/** Lower case letters and digits, everything else folded into single hyphens; '' when nothing is left. */
export function commandSlug (text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
}

/**
 * The definitions of a checked runtime config, in their order: those of `commands`, or where that list is
 * absent or empty, those of `services` and then of `jobs`. Null gives none.
 */
export function listCommands (config: RuntimeConfig | null, sourceType: ConfigSource): CommandDefinition[] {
  return listEntries(config, sourceType).map(({ definition }) => definition)
}

/** The same, each with its typed entry. */
export function listEntries (config: RuntimeConfig | null, sourceType: ConfigSource): WorkspaceCommand[] {
  if (config === null) return []
  const seen = new Set<string>()
  let nextServiceIndex = 0
  return sources(config).map(({ entry, kind, key, index }) => {
    const id = uniqueId(seen, commandId(entry, kind, index), `${key}-${index + 1}`)
    const serviceIndex = kind === 'service' ? nextServiceIndex++ : null
    const definition = { ...describe(entry, kind, index), id, kind, serviceIndex, source: { type: sourceType, key, index } }
    return { definition, entry }
  })
}

/** The services of a config in the order of their `serviceIndex`. */
export function servicesOf (commands: readonly WorkspaceCommand[]): WorkspaceCommand[] {
  return commands.filter(({ definition }) => definition.kind === 'service')
}

/** The command a reference means: its id, else its name (the first of that name). */
export function findCommand (commands: readonly WorkspaceCommand[], reference: string): WorkspaceCommand | undefined {
  return commands.find(({ definition }) => definition.id === reference) ??
    commands.find(({ definition }) => definition.name === reference)
}

interface Source {
  entry: CommandEntry
  kind: CommandKind
  key: CommandDefinition['source']['key']
  index: number
}

function sources ({ commands = [], services = [], jobs = [] }: RuntimeConfig): Source[] {
  if (commands.length > 0) return commands.map((entry, index) => ({ entry, kind: entry.kind ?? 'service', key: 'commands', index }))
  return [
    ...services.map((entry, index): Source => ({ entry, kind: 'service', key: 'services', index })),
    ...jobs.map((entry, index): Source => ({ entry, kind: 'job', key: 'jobs', index }))
  ]
}

function describe (entry: CommandEntry, kind: CommandKind, index: number) {
  const command = entry.command?.trim() || null
  return {
    name: nameOf(entry) ?? `${kind === 'job' ? 'Job' : 'Service'} ${index + 1}`,
    command,
    cwd: entry.cwd?.trim() || null,
    lifecycle: kind === 'service' ? entry.lifecycle ?? 'shared' : null,
    disabledReason: entry.disabledReason?.trim() || (command === null ? 'It has no command.' : null),
    rawConfig: { ...entry }
  }
}

function nameOf ({ name, label, title }: CommandEntry): string | null {
  return [name, label, title].map(text => text?.trim()).find(text => text !== undefined && text !== '') ?? null
}

function commandId (entry: CommandEntry, kind: CommandKind, index: number): string {
  const own = commandSlug(entry.id ?? '')
  if (own !== '') return own
  const named = commandSlug(nameOf(entry) ?? '')
  return `${kind}:${named === '' ? index + 1 : named}`
}

function uniqueId (seen: Set<string>, wanted: string, suffix: string): string {
  let id = wanted
  // A suffixed id may itself be taken by an entry that was given it as its own id.
  while (seen.has(id)) id = `${id}-${suffix}`
  seen.add(id)
  return id
}
