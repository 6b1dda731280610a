/** The environment variables the service understands: types, limits, defaults and the words of `--help`. */
import { Type, type Static } from '@sinclair/typebox'

const flag = (description: string) => Type.Boolean({ default: false, description, expected: 'true or false' })
const optional = (description: string, expected: string) => Type.Optional(Type.String({ minLength: 1, description, expected }))
const bytes = (standard: number, minimum: number, description: string) =>
  Type.Integer({ default: standard, minimum, maximum: 1_099_511_627_776, description, expected: `a number of bytes from ${minimum} up` })

const days = (standard: number, description: string) =>
  Type.Integer({ default: standard, minimum: 0, maximum: 36_500, description: `${description}, in days; 0: for ever.`, expected: 'a number of days from 0 to 36500' })

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** `expected` is the end of the sentence "NAME must be …". */
export const Environment = Type.Object({
  BERTH_HOST: Type.String({ default: '127.0.0.1', minLength: 1, pattern: '^[0-9A-Za-z.:_-]+$', description: 'Address to listen on; a loopback one in mode `local`.', expected: 'an address or a host name' }),
  BERTH_PORT: Type.Integer({ default: 4180, minimum: 0, maximum: 65_535, description: 'Port to listen on; 0 takes a free one.', expected: 'a port number from 0 to 65535' }),
  BERTH_DATA_DIR: optional('Folder for the embedded database, worktrees and logs; one process at a time. Default: `~/.berth`.', 'a folder'),
  DATABASE_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://', description: 'PostgreSQL to use; absent: embedded PGlite in the data dir.', expected: 'a URL that begins with postgres://' })),
  BERTH_AUTH_MODE: Type.Union([Type.Literal('local'), Type.Literal('token')], { default: 'local', description: '`local`: who can open the port may do everything, so only a loopback address. `token`: who shows a JWT or an API key, on any address.', expected: 'local or token' }),
  BERTH_JWKS_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s]+$', description: 'Where the keys are that JWTs are signed with (a JWK set). Of this and the next two at most one is set; with none, only API keys are taken.', expected: 'an http or https URL' })),
  BERTH_JWT_SECRET: optional('Secret that JWTs are signed with (HS256).', 'at least 32 bytes long'),
  BERTH_JWT_PUBLIC_KEY: optional('Public key of the one that JWTs are signed with, as PEM (`\\n` may stand for the ends of lines).', 'a public key as PEM: RSA of at least 2048 bits, EC (P-256, P-384, P-521) or Ed25519'),
  BERTH_JWT_ISSUER: optional('What `iss` of a JWT must be; absent: anything.', 'a name'),
  BERTH_JWT_AUDIENCE: optional('What `aud` of a JWT must be or hold; absent: anything. Set it where the issuer makes tokens for others too.', 'a name'),
  BERTH_JWT_CLAIM: Type.String({ default: 'berth', minLength: 1, maxLength: 200, description: 'Claim of a JWT that says what its holder may do.', expected: 'the name of a claim' }),
  BERTH_JWT_CLOCK_SKEW_SEC: Type.Integer({ default: 5, minimum: 0, maximum: 300, description: 'How far the clocks of the issuer and the service may differ, in seconds.', expected: 'a number of seconds from 0 to 300' }),
  BERTH_GATEWAY_SECRET: optional('Secret with which a gateway signs who is asking (`X-Berth-Identity`).', 'at least 32 bytes long'),
  BERTH_GATEWAY_ADDRESSES: optional('Where that gateway is: addresses and networks, separated by commas.', 'addresses or networks separated by commas, such as 10.0.0.7,192.168.0.0/24'),
  BERTH_ALLOWED_ROOTS: optional('Folders project workspaces may lie in, separated by `:`; absent: any folder.', 'absolute folders separated by ":"'),
  BERTH_COMMAND_ENV: Type.Optional(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*(\\s*,\\s*[A-Za-z_][A-Za-z0-9_]*)*$', description: 'Names of further variables that commands get, separated by commas.', expected: 'names of variables separated by commas' })),
  BERTH_ENV_PREFIX: Type.String({ default: 'BERTH_', pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 50, description: 'What the names of the variables given to commands begin with.', expected: 'the beginning of a variable name' }),
  BERTH_PUBLIC_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s/?#]+/?$', description: 'Where clients reach the service, when not at the address it listens on.', expected: 'an http or https URL without a path' })),
  BERTH_BASE_PATH: Type.Optional(Type.String({ pattern: '^(/[A-Za-z0-9._~-]+)+/?$', maxLength: 200, description: 'Path the service has at its gateway, such as `/berth`: in links and in the document. Requests come with it or without.', expected: 'a path such as /berth, none of the service\'s own' })),
  BERTH_TRUST_PROXY: Type.String({ default: 'false', minLength: 1, description: 'Whose `X-Forwarded-*` headers are believed: addresses and networks of proxies, separated by commas; `true` for anybody\'s, when only the proxy can reach the port.', expected: 'true, false, or addresses and networks separated by commas' }),
  BERTH_GIT_HOOKS: flag('Run the hooks of a repository (`post-checkout`) when a worktree of it is made; else no hook is ever run.'),
  BERTH_CHILD_USER: Type.Optional(Type.String({ pattern: '^(?:[A-Za-z_][A-Za-z0-9_.-]*\\$?|[0-9]+(?::[0-9]+)?)$', maxLength: 100, description: 'User that commands and git run as: a name, or `uid[:gid]`. They can then read neither Berth\'s memory nor its data. Needs root; see docs/threat-model.md. Absent: as Berth itself.', expected: 'a user name, or uid or uid:gid as numbers' })),
  BERTH_PORT_RANGE: Type.String({ default: '20000-29999', pattern: '^[0-9]{1,5}-[0-9]{1,5}$', description: 'Ports given to services that ask for an `auto` port.', expected: 'two ports, such as 20000-29999, the first not above the second' }),
  BERTH_JOB_LOG_MAX_BYTES: bytes(67_108_864, 4096, 'Size at which the log of a job is cut, the job going on.'),
  BERTH_SERVICE_LOG_MAX_BYTES: bytes(16_777_216, 4096, 'Size at which the head of a service\'s log is dropped.'),
  BERTH_MIN_FREE_BYTES: Type.Integer({ default: 268_435_456, minimum: 0, maximum: 1_099_511_627_776, description: 'With less free on the data dir\'s file system new work is refused (507), so that there is room to stop and archive; 0 turns this off.', expected: 'a number of bytes from 0 up' }),
  BERTH_LOG_COMPRESS_AFTER_SEC: Type.Integer({ default: 3600, minimum: 0, maximum: 31_536_000, description: 'Time from the end of an operation to the compression of its log, in seconds.', expected: 'a number of seconds from 0 to 31536000' }),
  BERTH_RETAIN_LOG_DAYS: days(30, 'How long logs of operations and services are kept after their end, where the `cleanupPolicy.retainLogDays` of the project does not say'),
  BERTH_RETAIN_STRAY_DAYS: days(0, 'How long the archive of a folder that no workspace knew is kept, where the `cleanupPolicy.retainRescueDays` of the project it lay in does not say'),
  BERTH_RETAIN_OPERATION_DAYS: days(90, 'How long operations are kept after their end'),
  BERTH_RETAIN_EVENT_DAYS: days(7, 'How long events of companies are kept for those who come back to the stream'),
  BERTH_RETAIN_ACTIVITY_DAYS: days(0, 'How long entries of the activity log are kept'),
  BERTH_REDACT_PATTERNS: optional('Regular expressions, separated by white space: what one matches within a line of output is masked. Output is then shown line by line.', 'regular expressions separated by white space'),
  BERTH_REDACT_USERNAME: flag('Mask the user\'s name in logs too.'),
  BERTH_STOP_SERVICES_ON_EXIT: flag('Stop runtime services when the service ends; else they go on and are found again.'),
  BERTH_COMMAND_TIMEOUT_SEC: Type.Integer({ default: 600, minimum: 1, maximum: 86_400, description: 'Time for provision, cleanup and teardown commands, in seconds.', expected: 'a number of seconds from 1 to 86400' }),
  BERTH_SWEEP_INTERVAL_SEC: Type.Integer({ default: 300, minimum: 0, maximum: 86_400, description: 'How often the sweeper archives what its rules want closed, in seconds; 0: only when asked.', expected: 'a number of seconds from 0 to 86400' }),
  BERTH_ORPHAN_GRACE_SEC: Type.Integer({ default: 604_800, minimum: 0, maximum: 31_536_000, description: 'Time from when a worktree or folder in the data dir that no workspace knows is first seen to when the sweeper rescues and removes it, in seconds.', expected: 'a number of seconds from 0 to 31536000' }),
  BERTH_MAX_JOBS: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Jobs that run at once; others wait in line. Default: the number of cores, at least 2.', expected: 'a number of jobs from 1 to 10000' })),
  BERTH_BODY_LIMIT_BYTES: Type.Integer({ default: 1_048_576, minimum: 1024, maximum: 67_108_864, description: 'Size of the largest request body.', expected: 'a number of bytes from 1024 to 67108864' }),
  BERTH_REQUEST_TIMEOUT_SEC: Type.Integer({ default: 60, minimum: 1, maximum: 3600, description: 'Time a request may take to arrive, in seconds; its headers have a third of it.', expected: 'a number of seconds from 1 to 3600' }),
  BERTH_RATE_LIMIT_PER_MIN: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Requests one actor may send within a minute, to each process; 0: any number. Default: 0 in mode `local`, else 1200.', expected: 'a number of requests from 0 to 1000000' })),
  BERTH_MAX_STREAMS_PER_ACTOR: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000, description: 'Streams of events one actor may have open, at each process; 0: any number. Default: 0 in mode `local`, else 100.', expected: 'a number of streams from 0 to 100000' })),
  BERTH_WEBHOOK_ALLOW_PRIVATE: flag('Send webhooks to `http://` and to private and loopback addresses too.'),
  BERTH_WEBHOOK_TIMEOUT_SEC: Type.Integer({ default: 15, minimum: 1, maximum: 60, description: 'Time a receiver of webhooks has to answer, in seconds.', expected: 'a number of seconds from 1 to 60' }),
  BERTH_WEBHOOK_MAX_ATTEMPTS: Type.Integer({ default: 10, minimum: 1, maximum: 100, description: 'Tries to deliver a webhook before it is given up.', expected: 'a number from 1 to 100' }),
  BERTH_WEBHOOK_RETRY_MAX_SEC: Type.Integer({ default: 86_400, minimum: 1, maximum: 604_800, description: 'Longest pause between two tries, in seconds.', expected: 'a number of seconds from 1 to 604800' }),
  LOG_LEVEL: Type.Union(levels.map(level => Type.Literal(level)), { default: 'info', description: levels.map(level => `\`${level}\``).join(' '), expected: `one of ${levels.join(', ')}` })
})

export type Environment = Static<typeof Environment>

interface Described { type?: string, default?: unknown, description?: string, expected?: string }

/** One line for `--help` and the README: a variable, its default in words, and what it is for. */
export interface Setting { name: string, type: string, standard: string, description: string, expected: string }

export const settings: Setting[] = Object.entries<Described>(Environment.properties).map(([name, schema]) => ({
  name,
  type: schema.type ?? 'string',
  standard: schema.default === undefined ? '' : String(schema.default),
  description: schema.description ?? '',
  expected: schema.expected ?? ''
}))
