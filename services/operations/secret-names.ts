/** Which environment variables hold secrets, and in which spellings their values may turn up in output. */

/** Anywhere in the name, whatever its case: `apiKey`, `NPM_TOKEN`, `dbPassword`. */
const telling = /secret|token|passw(?:or)?d|passphrase|api_?key|private_?key|access_?key|credential|connection_?string|database_url/i
/** Only as a word of the name: `DB_PASS`, `SSH_KEY`, `GH_PAT`. */
const tellingWord = /(?:^|_)(?:pass|pwd|key|pat|jwt|dsn|cookie)(?:_|$)|_auth$/i
/** These say where a secret lies, or something about it. */
const harmless = /^(?:pwd|oldpwd)$|(?:_(?:sock|file|path|dir|mode|type|provider|name|prefix|ttl|expiry|count|limit))$|public_?key|^max_|_max$|parallelism$/i

/** Shorter values are words, flags and numbers: masking them makes a log unreadable and protects nothing. */
const minSecretLength = 6
/** A line of a multi-line value (a PEM key) is masked on its own from this length on. */
const minLineLength = 16
const ordinary = new Set(['enabled', 'disabled', 'required', 'optional', 'default', 'production', 'development', 'undefined'])

/** True when a variable of this name is taken to hold a secret. */
export function isSecretName (name: string): boolean {
  return (telling.test(name) || tellingWord.test(name)) && !harmless.test(name)
}

function isSecretValue (value: string): boolean {
  return value.length >= minSecretLength && !/^\d{1,7}$/.test(value) && !ordinary.has(value.toLowerCase())
}

/** The password in a URL; one that is also the user's name (`postgres:postgres@`) is a word that turns up everywhere. */
function passwordOf (value: string): string[] {
  const [, user, password] = /:\/\/([^\s/:@]*):([^\s/@]+)@/.exec(value) ?? []
  return password === undefined || password === user ? [] : [password]
}

function spellings (value: string): string[] {
  const lines = value.includes('\n') ? value.split(/\r?\n/).filter(line => line.length >= minLineLength) : []
  return [value, value.trim(), encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1), ...passwordOf(value), ...lines]
}

/** The values of the secret-looking variables, each in the spellings it may be printed in. */
export function secretValues (env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env)
    .flatMap(([name, value]) => value !== undefined && isSecretName(name) && isSecretValue(value) ? spellings(value) : [])
    .filter(isSecretValue)
}
