/** The configuration: read once from the environment, checked, and shared as `app.config`. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import fp from 'fastify-plugin'
import { dataDirOf } from '../db/data-dir.ts'
import { BadPattern, parsePatterns } from '../services/operations/configured-patterns.ts'
import type { GatewaySettings } from '../services/access/gateway-identity.ts'
import type { JwtSettings } from '../services/access/jwt.ts'
import { findChildUser, UnusableUser, type ChildUser } from '../services/process/child-user.ts'
import { gatewaySettings, jwtSettings, trustedProxies } from './auth-settings.ts'
import { badSetting, ConfigError } from './config-error.ts'
import { Environment, settings } from './config-schema.ts'

export { ConfigError }

export interface Config {
  host: string
  port: number
  /** Absolute. */
  dataDir: string
  /** null: the embedded database in the data dir. */
  databaseUrl: string | null
  authMode: 'local' | 'token'
  /** null: JWTs are not taken. */
  jwt: JwtSettings | null
  /** null: nobody but the credential itself says who is asking. */
  gateway: GatewaySettings | null
  /** Absolute folders project workspaces may lie in; empty: anywhere. */
  allowedRoots: readonly string[]
  commandEnvNames: readonly string[]
  envPrefix: string
  /** Without a trailing slash. */
  publicUrl: string | null
  /** Path the service has at its gateway, such as `/berth`; empty for none. */
  basePath: string
  /** Addresses whose `X-Forwarded-*` headers are believed; true for all. */
  trustProxy: boolean | string[]
  gitHooks: boolean
  /** Whom commands and git run as; null: as this process. */
  childUser: ChildUser | null
  logLevel: string
  portRange: { from: number, to: number }
  jobLogMaxBytes: number
  serviceLogMaxBytes: number
  /** 0: none are needed. */
  minFreeBytes: number
  logCompressAfterSec: number
  /** 0: for ever, as for the others. */
  retainLogDays: number
  retainStrayDays: number
  retainOperationDays: number
  retainEventDays: number
  retainActivityDays: number
  /** What they match in output is masked. */
  redactPatterns: readonly RegExp[]
  redactUsername: boolean
  stopServicesOnExit: boolean
  commandTimeoutSec: number
  /** 0: only when asked. */
  sweepIntervalSec: number
  orphanGraceSec: number
  maxJobs: number
  bodyLimitBytes: number
  requestTimeoutSec: number
  /** 0: any number, as for streams. */
  rateLimitPerMin: number
  maxStreamsPerActor: number
  webhookAllowPrivate: boolean
  webhookTimeoutSec: number
  webhookMaxAttempts: number
  webhookRetryMaxSec: number
}

declare module 'fastify' {
  interface FastifyInstance { config: Config }
}

/**
 * Reads the configuration.
 * @param env variables, such as `process.env`; an empty one counts as absent
 * @throws ConfigError that names the variable, what it must be and what it is
 */
export function loadConfig (env: Record<string, string | undefined>): Config {
  const values = parseEnvironment(env)
  const config: Config = {
    host: values.BERTH_HOST,
    port: values.BERTH_PORT,
    dataDir: dataDirOf(values.BERTH_DATA_DIR),
    databaseUrl: values.DATABASE_URL ?? null,
    authMode: values.BERTH_AUTH_MODE,
    jwt: jwtSettings(values),
    gateway: gatewaySettings(values),
    allowedRoots: allowedRoots(values.BERTH_ALLOWED_ROOTS),
    commandEnvNames: (values.BERTH_COMMAND_ENV ?? '').split(',').map(name => name.trim()).filter(name => name !== ''),
    envPrefix: values.BERTH_ENV_PREFIX,
    publicUrl: values.BERTH_PUBLIC_URL?.replace(/\/$/, '') ?? null,
    basePath: basePath(values.BERTH_BASE_PATH ?? ''),
    trustProxy: trustedProxies(values.BERTH_TRUST_PROXY),
    gitHooks: values.BERTH_GIT_HOOKS,
    childUser: childUser(values.BERTH_CHILD_USER),
    logLevel: values.LOG_LEVEL,
    portRange: portRange(values.BERTH_PORT_RANGE),
    jobLogMaxBytes: values.BERTH_JOB_LOG_MAX_BYTES,
    serviceLogMaxBytes: values.BERTH_SERVICE_LOG_MAX_BYTES,
    minFreeBytes: values.BERTH_MIN_FREE_BYTES,
    logCompressAfterSec: values.BERTH_LOG_COMPRESS_AFTER_SEC,
    retainLogDays: values.BERTH_RETAIN_LOG_DAYS,
    retainStrayDays: values.BERTH_RETAIN_STRAY_DAYS,
    retainOperationDays: values.BERTH_RETAIN_OPERATION_DAYS,
    retainEventDays: values.BERTH_RETAIN_EVENT_DAYS,
    retainActivityDays: values.BERTH_RETAIN_ACTIVITY_DAYS,
    redactPatterns: redactPatterns(values.BERTH_REDACT_PATTERNS),
    redactUsername: values.BERTH_REDACT_USERNAME,
    stopServicesOnExit: values.BERTH_STOP_SERVICES_ON_EXIT,
    commandTimeoutSec: values.BERTH_COMMAND_TIMEOUT_SEC,
    sweepIntervalSec: values.BERTH_SWEEP_INTERVAL_SEC,
    orphanGraceSec: values.BERTH_ORPHAN_GRACE_SEC,
    maxJobs: values.BERTH_MAX_JOBS ?? defaultMaxJobs(),
    bodyLimitBytes: values.BERTH_BODY_LIMIT_BYTES,
    requestTimeoutSec: values.BERTH_REQUEST_TIMEOUT_SEC,
    // In mode local there is only one, and it is the machine's own.
    rateLimitPerMin: values.BERTH_RATE_LIMIT_PER_MIN ?? (values.BERTH_AUTH_MODE === 'local' ? 0 : 1200),
    maxStreamsPerActor: values.BERTH_MAX_STREAMS_PER_ACTOR ?? (values.BERTH_AUTH_MODE === 'local' ? 0 : 100),
    webhookAllowPrivate: values.BERTH_WEBHOOK_ALLOW_PRIVATE,
    webhookTimeoutSec: values.BERTH_WEBHOOK_TIMEOUT_SEC,
    webhookMaxAttempts: values.BERTH_WEBHOOK_MAX_ATTEMPTS,
    webhookRetryMaxSec: values.BERTH_WEBHOOK_RETRY_MAX_SEC
  }
  refuseOpenDoor(config)
  return config
}

/** The defaults with some values replaced; for embedding and tests. */
export function configWith (values: Partial<Config> & { dataDir: string }): Config {
  return { ...loadConfig({}), ...values }
}

/** True for addresses only this machine can reach. */
export function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** The text of `--help`. */
export function helpText (): string {
  const width = Math.max(...settings.map(setting => setting.name.length))
  const lines = settings.map(({ name, description, standard }) =>
    `  ${name.padEnd(width)}  ${description}${standard === '' ? '' : ` [${standard}]`}`)
  return ['Berth: execution workspaces over HTTP.', '', 'Usage: npm start [-- --help]', '', 'Environment variables:', ...lines, ''].join('\n').replaceAll('`', '')
}

/** The README's table of settings, in Markdown. */
export function configTable (): string {
  const rows = settings.map(({ name, standard, description }) => `| \`${name}\` | ${standard === '' ? '' : `\`${standard}\``} | ${description} |`)
  return ['| variable | default | what it does |', '|---|---|---|', ...rows].join('\n')
}

function parseEnvironment (env: Record<string, string | undefined>): Environment {
  const given = Object.fromEntries(settings.flatMap(({ name }) => env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]]))
  const typed = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, fromText(name, text ?? '')]))
  const values = Value.Default(Environment, typed)
  if (Value.Check(Environment, values)) return values
  const name = Value.Errors(Environment, values).First()?.path.slice(1) ?? ''
  throw badSetting(name, String(given[name] ?? ''))
}

/** TypeBox's own conversion would read "1.5" as 1; here what is not exactly a number stays text and is refused. */
function fromText (name: string, text: string): unknown {
  const type = settings.find(setting => setting.name === name)?.type
  if (type === 'integer' && /^\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(true|1|yes|on)$/i.test(text)) return true
  if (type === 'boolean' && /^(false|0|no|off)$/i.test(text)) return false
  return text
}

/** Jobs are builds and tests: beyond a core each they only slow each other down. One that is long must not hold up all others. */
function defaultMaxJobs (): number {
  return Math.max(2, availableParallelism())
}

function allowedRoots (value: string | undefined): string[] {
  const roots = (value ?? '').split(':').filter(root => root !== '')
  if (!roots.every(root => isAbsolute(root))) throw badSetting('BERTH_ALLOWED_ROOTS', value ?? '')
  return roots.map(root => resolve(root))
}

function redactPatterns (value: string | undefined): RegExp[] {
  try {
    return parsePatterns(value ?? '')
  } catch (error) {
    if (error instanceof BadPattern) throw new ConfigError(`BERTH_REDACT_PATTERNS must be ${error.message}. See npm start -- --help.`)
    throw error
  }
}

function childUser (value: string | undefined): ChildUser | null {
  if (value === undefined) return null
  try {
    return findChildUser(value, readFileSync('/etc/passwd', 'utf8'))
  } catch (error) {
    if (error instanceof UnusableUser) throw new ConfigError(`BERTH_CHILD_USER ${error.message}. See npm start -- --help.`)
    throw error
  }
}

/** A path that is one of the service's own would be cut off where it must stay. */
function basePath (value: string): string {
  if (/^\/(api|docs|healthz|readyz|metrics|openapi\.json)(\/|$)/.test(value)) throw badSetting('BERTH_BASE_PATH', value)
  return value.replace(/\/$/, '')
}

function portRange (value: string): { from: number, to: number } {
  const [from = 0, to = 0] = value.split('-').map(Number)
  if (from < 1 || to > 65_535 || from > to) throw badSetting('BERTH_PORT_RANGE', value)
  return { from, to }
}

function refuseOpenDoor (config: Config): void {
  if (config.authMode === 'local' && !isLoopback(config.host)) {
    throw new ConfigError(`BERTH_HOST must be a loopback address (127.0.0.1, ::1 or localhost) with BERTH_AUTH_MODE=local, not "${config.host}": whoever can open the port may do everything.`)
  }
}

export default fp<{ config: Config }>(async (app, { config }) => {
  app.decorate('config', Object.freeze(config))
}, { name: 'config' })
