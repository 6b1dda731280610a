/** One attempt: a signed POST to the receiver, its answer read in part, nothing followed. */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { storableText } from '../operations/storable.ts'
import type { Resolve } from './names.ts'
import { checkTarget, guardedLookup, TargetRefused } from './target.ts'

export interface SendRules {
  allowPrivate: boolean
  timeoutMs: number
  userAgent: string
  /** Else the machine's own resolver. */
  resolve?: Resolve
}

export interface Message {
  url: string
  headers: Record<string, string>
  body: string
}

/** How it went. `httpStatus` is null when there was no answer; `error` says why it does not count. */
export interface Sent {
  httpStatus: number | null
  error: string | null
  response: string | null
}

/** What is read of an answer, and what is kept of it. */
const maxResponseBytes = 4_096
const maxResponseLength = 1_000

/**
 * Sends and waits for the answer, all of it within the time.
 * @param signal ends the attempt because the service ends
 * @throws only the signal's own reason; whatever the receiver does is in the answer
 */
export async function send (message: Message, rules: SendRules, signal: AbortSignal): Promise<Sent> {
  const timeout = AbortSignal.timeout(rules.timeoutMs)
  const either = AbortSignal.any([signal, timeout])
  try {
    const answer = await post(message, rules, either)
    const httpStatus = answer.statusCode ?? 0
    // The receiver has spoken; how it ends its answer changes nothing.
    const response = await beginning(answer).catch(() => null)
    signal.throwIfAborted()
    return { httpStatus, error: httpStatus >= 200 && httpStatus < 300 ? null : complaint(httpStatus), response }
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) return { httpStatus: null, error: `There was no answer within ${rules.timeoutMs / 1000} s.`, response: null }
    return { httpStatus: null, error: reasonOf(error), response: null }
  }
}

async function post ({ url, headers, body }: Message, { allowPrivate, userAgent, resolve }: SendRules, signal: AbortSignal): Promise<IncomingMessage> {
  // Again: the rules may have changed since the webhook was made, and an address in the URL is never looked up.
  const target = checkTarget(url, { allowPrivate })
  const request = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
    method: 'POST',
    // A connection of its own each time: one that is kept could lead to an address from before.
    agent: false,
    lookup: guardedLookup({ allowPrivate, ...(resolve === undefined ? {} : { resolve }) }),
    signal,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': userAgent, accept: '*/*' }
  })
  return await new Promise((resolve, reject) => {
    request.once('response', resolve)
    // Without a listener, an answer that changes the protocol (101) would end neither as an answer nor as an error.
    request.once('upgrade', (answer, socket) => {
      socket.destroy()
      answer.destroy()
      resolve(answer)
    })
    request.on('error', reject)
    request.once('close', () => reject(new Error('it was closed without an answer')))
    request.end(body)
  })
}

/** The first bytes of an answer as text; then the connection is closed, whatever would follow. */
async function beginning (answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= maxResponseBytes) break
  }
  answer.destroy()
  return storableText(Buffer.concat(chunks).toString('utf8').slice(0, maxResponseLength))
}

function complaint (httpStatus: number): string {
  const redirect = httpStatus >= 300 && httpStatus < 400 ? '; redirects are not followed' : ''
  return `The receiver answered ${httpStatus}${redirect}.`
}

function reasonOf (error: unknown): string {
  if (error instanceof TargetRefused) return error.message
  // Several addresses of a name were tried.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (!(first instanceof Error)) return 'The connection failed.'
  const code = 'code' in first && typeof first.code === 'string' ? first.code : first.name
  return storableText(`The connection failed: ${code} (${first.message}).`.slice(0, maxResponseLength))
}
