/** What starting a service means here: who it is, where it runs, when it is ready, how it is stopped. Pure but for the mark. */
import { resolve } from 'node:path'
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import { Unprocessable } from '../errors.ts'
import type { CommandContext, EnvironmentBuilder } from '../process/environment.ts'
import { renderCommand, renderText, type TemplateScope } from '../process/template.ts'
import type { WorkspaceCommand } from './commands.ts'
import { commandSlug } from './commands.ts'
import { identityKeyOf, portHolderOf, reuseKeyOf, scopeOf, type Scope, type ServiceOwner } from './identity.ts'

/** Where services of the same workspace are (or will be), by name. */
export type Addresses = TemplateScope['services']

export interface PlanInput {
  command: WorkspaceCommand
  owner: ServiceOwner
  context: CommandContext
  /** Absolute folder of the workspace. */
  baseCwd: string
  /** Stands for the run of a start by hand: new for each request. */
  callId: string
  environment: EnvironmentBuilder
  /** Names of all services of the config, for templates that speak of them. */
  serviceNames: readonly string[]
}

export type PortWish = { type: 'none' } | { type: 'fixed', value: number } | { type: 'auto' }

export interface ServicePlan extends PlanInput {
  commandId: string
  name: string
  entry: CommandEntry
  scope: Scope
  lifecycle: 'shared' | 'ephemeral'
  cwd: string
  /** Null for ephemeral services: each start is a new one. */
  reuseKey: string | null
  identityKey: string
  /** For whom its port is kept, and what its lock is named by where there is no reuse key. */
  holderKey: string
  port: PortWish
  portKey: string
  /** How long it may take to be ready. */
  timeoutMs: number
  stopSignal: NodeJS.Signals
  /** From the stop signal to SIGKILL. */
  graceMs: number
}

export interface RenderedService {
  command: string
  env: Record<string, string>
  url: string | null
  readinessUrl: string | null
  readinessCommand: { command: string, env: Record<string, string> } | null
}

export interface RenderInput {
  port: number | null
  addresses: Addresses
  mark: string
}

const defaultGraceMs = 10_000
const defaultTimeoutMs = 30_000
/** A package manager's `dev` script often builds first. */
const devScriptTimeoutMs = 90_000
const devScript = /^(?:[A-Za-z_][A-Za-z0-9_]*=\S*\s+)*(?:npm|pnpm|yarn|bun)\s+(?:--?\S+\s+)*(?:run\s+)?dev(?:\s|$)/

/**
 * Plans a service.
 * @throws Unprocessable when a template names what is unknown or has no value
 */
export function planService (input: PlanInput): ServicePlan {
  const { command: { definition, entry }, owner, callId } = input
  const lifecycle = definition.lifecycle ?? 'shared'
  const scope = scopeOf(entry, owner, callId)
  const identityKey = identityKeyOf(owner, definition.id, lifecycle === 'ephemeral' ? 'ephemeral' : scope)
  const cwd = resolve(input.baseCwd, renderText(definition.cwd ?? '.', templateScope(input, unknownYet(input))))
  const plan: ServicePlan = {
    ...input,
    commandId: definition.id,
    name: definition.name,
    entry,
    scope,
    lifecycle,
    cwd,
    reuseKey: null,
    identityKey,
    holderKey: portHolderOf(scope, definition.id, cwd, lifecycle === 'shared' ? null : callId),
    port: portWish(entry.port),
    portKey: typeof entry.port === 'object' && entry.port !== null ? entry.port.envKey ?? 'PORT' : 'PORT',
    timeoutMs: readinessTimeoutMs(entry),
    stopSignal: entry.stop?.signal ?? 'SIGTERM',
    graceMs: entry.stop?.graceSec === undefined ? defaultGraceMs : entry.stop.graceSec * 1000
  }
  return lifecycle === 'ephemeral' ? plan : { ...plan, reuseKey: keyOf(plan) }
}

/** How long a service may take to be ready, in ms: its own time-out, else by what kind of command it is. */
export function readinessTimeoutMs ({ readiness, command }: CommandEntry): number {
  if (readiness?.timeoutSec !== undefined) return readiness.timeoutSec * 1000
  return devScript.test(command?.trim() ?? '') ? devScriptTimeoutMs : defaultTimeoutMs
}

/**
 * The command line, environment and URLs of one start.
 * @throws Unprocessable when a template names what is unknown or has no value
 */
export function renderService (plan: ServicePlan, { port, addresses, mark }: RenderInput): RenderedService {
  const scope = templateScope(plan, { port, services: addresses })
  const { command, env: values } = renderCommand(commandLine(plan), scope)
  const build = (more: Record<string, string>) => plan.environment.build({
    context: plan.context,
    own: { ...renderEnv(plan.entry, scope), ...more },
    port: port === null ? null : { key: plan.portKey, value: port },
    mark
  })
  return {
    command,
    env: build(values),
    url: urlOf(plan, scope),
    readinessUrl: readinessUrlOf(plan.entry, scope),
    readinessCommand: readinessCommandOf(plan.entry, scope, build)
  }
}

/** Where a service with this port is reached; null when nothing says so. */
export function addressOf (plan: ServicePlan, port: number | null): { port: number | null, url: string | null } {
  return { port, url: urlOf(plan, templateScope(plan, { ...unknownYet(plan), port })) }
}

function commandLine ({ command: { definition } }: PlanInput): string {
  if (definition.command === null) throw new Unprocessable(`${definition.name} has no command.`)
  return definition.command
}

function portWish (port: CommandEntry['port']): PortWish {
  if (port === undefined || port === null) return { type: 'none' }
  if (typeof port === 'number') return { type: 'fixed', value: port }
  return port.value === undefined ? { type: 'auto' } : { type: 'fixed', value: port.value }
}

/** Ports and addresses are left out of an identity: they may change without the service being another one. */
function unknownYet ({ serviceNames }: PlanInput): Pick<TemplateScope, 'port' | 'services'> {
  return { port: 0, services: Object.fromEntries(serviceNames.map(name => [name, { port: 0, url: '' }])) }
}

function keyOf (plan: ServicePlan): string {
  const scope = templateScope(plan, unknownYet(plan))
  const values = renderCommand(commandLine(plan), scope).env
  return reuseKeyOf({
    ...plan.scope,
    name: plan.name,
    command: commandLine(plan),
    cwd: plan.cwd,
    fixedPort: plan.port.type === 'fixed' ? plan.port.value : null,
    env: { ...renderEnv(plan.entry, scope), ...values }
  })
}

/** What the templates of a command can speak of. */
export function templateScope ({ context, environment, baseCwd, owner }: PlanInput, { port, services }: Pick<TemplateScope, 'port' | 'services'>): TemplateScope {
  const { workspace, issue, agent } = context
  return {
    workspace: {
      cwd: workspace.cwd ?? baseCwd,
      branchName: workspace.branchName,
      worktreePath: workspace.worktreePath,
      repoUrl: workspace.repoUrl,
      repoRef: workspace.repoRef,
      env: environment.build({ context, mark: '' })
    },
    project: { id: owner.projectId },
    issue,
    agent,
    slug: commandSlug(issue?.title ?? '') || null,
    port,
    services
  }
}

/** The command's own variables. */
export function renderEnv ({ env = {} }: CommandEntry, scope: TemplateScope): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, renderText(String(value), scope)]))
}

function urlOf ({ entry }: ServicePlan, scope: TemplateScope): string | null {
  const { expose, readiness, port } = entry
  const template = expose?.urlTemplate ?? (readiness?.type === 'http' ? readiness.urlTemplate ?? readiness.url : undefined)
  if (template !== undefined) return renderText(template, scope)
  const speaksHttp = readiness === undefined || readiness.type === 'http'
  return speaksHttp && port !== undefined && port !== null && scope.port !== null ? `http://127.0.0.1:${scope.port}/` : null
}

function readinessUrlOf ({ readiness, expose }: CommandEntry, scope: TemplateScope): string | null {
  if (readiness?.type !== 'http') return null
  const template = readiness.urlTemplate ?? readiness.url ?? expose?.urlTemplate
  return template === undefined ? `http://127.0.0.1:${scope.port}/` : renderText(template, scope)
}

function readinessCommandOf ({ readiness }: CommandEntry, scope: TemplateScope, build: (more: Record<string, string>) => Record<string, string>) {
  if (readiness?.type !== 'command' || readiness.command === undefined) return null
  const { command, env } = renderCommand(readiness.command, scope)
  return { command, env: build(env) }
}
