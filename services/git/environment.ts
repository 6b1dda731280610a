/** The environment git runs in: a short allow-list and the settings that keep it quiet, local and unattended. */

/** Host variables git may see. Everything else, GIT_DIR and the service's own secrets above all, stays outside. */
const allowed = new Set([
  'PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TMPDIR', 'XDG_CONFIG_HOME', 'SYSTEMROOT',
  'SSH_AUTH_SOCK', 'GIT_SSH', 'GIT_SSH_COMMAND', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM',
  'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY',
  'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'
])

/** A repository's hooks are code that nobody asked this service to run. */
const withoutHooks = ['core.hooksPath', '/dev/null'] as const

/** Settings for every call; they win over the user's and the repository's. */
const settings: readonly (readonly [string, string])[] = [
  // Registered checkouts may belong to another user than the service.
  ['safe.directory', '*'],
  // No daemon and no background gc may outlive the call or answer for the file system.
  ['core.fsmonitor', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['commit.gpgSign', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['credential.interactive', 'false'],
  // A remote that is a command (`ext::sh -c …`) is refused, whatever the user's own settings say.
  ['protocol.ext.allow', 'never']
]

/** Settings as the GIT_CONFIG_* variables that carry them, numbered on from `first`. */
export function configEnvironment (entries: readonly (readonly [string, string])[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(entries.length) }
  entries.forEach(([key, value], at) => {
    env[`GIT_CONFIG_KEY_${at}`] = key
    env[`GIT_CONFIG_VALUE_${at}`] = value
  })
  return env
}

/** The environment of a git process made from `host` (the service's own environment) and further `config`; hooks are run only when asked for. */
export function gitEnvironment (host: Readonly<Record<string, string | undefined>>, config: readonly (readonly [string, string])[] = [], { hooks = false } = {}): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && allowed.has(name)) env[name] = value
  }
  return {
    ...env,
    // Messages are read by this code: they must come in one language.
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    GIT_PAGER: 'cat',
    GIT_EDITOR: 'true',
    // Reading must not write the index of somebody who works there; commands that write ask for what they need.
    GIT_OPTIONAL_LOCKS: '0',
    ...configEnvironment([...(hooks ? [] : [withoutHooks]), ...settings, ...config])
  }
}
