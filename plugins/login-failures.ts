/**
 * Slows down who tries credentials that are none: the answers to an address that keeps failing come later and later. Only
 * failures wait, so that nobody with a good credential is ever locked out by somebody behind the same address.
 */
import { setTimeout as pause } from 'node:timers/promises'
import fp from 'fastify-plugin'
import { TooManyRequests } from '../services/errors.ts'
import { problemDocument } from './errors.ts'

export interface LoginFailuresOptions {
  /** So many are answered at once: a client with an old token tries a few times. */
  freeFailures?: number
  firstDelayMs?: number
  maxDelayMs?: number
  /** An address that has not failed for so long is as good as new. */
  forgetAfterMs?: number
  /** Answers of one address that wait at once; further ones are a 429 without delay, so that waiting costs the service little. */
  maxWaiting?: number
}

interface Failures { count: number, waiting: number, lastAtMs: number }

/** Memory for more would help an attacker with many addresses only to fill it. */
const maxAddresses = 10_000

export default fp<LoginFailuresOptions>(async (app, { freeFailures = 5, firstDelayMs = 100, maxDelayMs = 5000, forgetAfterMs = 60_000, maxWaiting = 20 }) => {
  const byAddress = new Map<string, Failures>()
  const ending = new AbortController()
  app.addHook('preClose', async () => ending.abort())

  /** Addresses stand in the order of their last failure. */
  function count (address: string): Failures {
    const nowMs = performance.now()
    for (const [one, { lastAtMs, waiting }] of byAddress) {
      if (waiting > 0 || (nowMs - lastAtMs < forgetAfterMs && byAddress.size < maxAddresses)) break
      byAddress.delete(one)
    }
    const failures = byAddress.get(address) ?? { count: 0, waiting: 0, lastAtMs: nowMs }
    byAddress.delete(address)
    byAddress.set(address, failures)
    failures.count = nowMs - failures.lastAtMs < forgetAfterMs ? failures.count + 1 : 1
    failures.lastAtMs = nowMs
    return failures
  }

  async function delay (failures: Failures): Promise<void> {
    const delayMs = Math.min(firstDelayMs * 2 ** (failures.count - freeFailures - 1), maxDelayMs)
    failures.waiting += 1
    try {
      await pause(delayMs, undefined, { signal: ending.signal })
    } catch {
      // The service ends: the answer goes out now.
    } finally {
      failures.waiting -= 1
    }
  }

  app.addHook('onSend', async (request, reply, payload) => {
    // Nothing was tried where no credential was given.
    if (reply.statusCode !== 401 || request.headers.authorization === undefined) return payload
    const failures = count(request.ip)
    if (failures.count <= freeFailures) return payload
    if (failures.waiting < maxWaiting) {
      await delay(failures)
      return payload
    }
    const problem = new TooManyRequests('Too many failed logins from this address.')
    reply.code(problem.statusCode).removeHeader('www-authenticate').header('retry-after', String(Math.ceil(maxDelayMs / 1000)))
    return JSON.stringify(problemDocument(problem, request))
  })
}, { name: 'login-failures', dependencies: ['errors'] })
