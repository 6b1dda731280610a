/** What is said about a setting that can't be used. */
import { settings } from './config-schema.ts'

/** A setting that can't be used; the message is one line for the person who starts the service. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Their values may be, or hold, a secret: they are never repeated. */
const secret = new Set(['DATABASE_URL', 'BERTH_JWT_SECRET', 'BERTH_JWT_PUBLIC_KEY', 'BERTH_GATEWAY_SECRET'])

/** Says what a variable must be and what it is. */
export function badSetting (name: string, value: string): ConfigError {
  const expected = settings.find(setting => setting.name === name)?.expected ?? 'something else'
  const shown = secret.has(name) ? '' : `, not ${JSON.stringify(value)}`
  return new ConfigError(`${name} must be ${expected}${shown}. See npm start -- --help.`)
}
