/** Which secrets this process masks, in what it records and in its own log. */
import { userInfo } from 'node:os'
import { createRedactor, maskedJson, type Redactor } from '../services/operations/redact.ts'
import type { Config } from './config.ts'

/** Knows the secrets of this process's environment, and what the settings say. */
export function redactorOf ({ redactPatterns, redactUsername }: Pick<Config, 'redactPatterns' | 'redactUsername'>): Redactor {
  return createRedactor({ env: process.env, patterns: redactPatterns, username: redactUsername ? userInfo().username : null })
}

/** For pino's `streamWrite`: a line of its log with the secrets masked in every text of it. */
export function maskedLogLine (redactor: Redactor): (line: string) => string {
  return line => `${JSON.stringify(maskedJson(redactor.mask, JSON.parse(line)))}\n`
}
