/** What is answered to what HTTP itself does not allow: a problem too, written by hand where there is no request yet. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { BadRequest } from '../services/errors.ts'

interface ClientError extends Error { code?: string }

/** Statuses of errors of Node's parser; any other is a 400. */
const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
const details: Record<number, string> = {
  400: 'This is not an HTTP request.',
  408: 'The request took too long to arrive.',
  417: 'Only 100-continue can be expected.',
  431: 'The headers are too large.'
}
const contentType = 'application/problem+json; charset=utf-8'

function bodyOf (status: number): string {
  const problem = new BadRequest(details[status] ?? '')
  return JSON.stringify({
    type: `urn:berth:problem:${problem.code}`,
    title: problem.title,
    status,
    detail: problem.detail,
    instance: '/',
    code: problem.code,
    error: problem.detail,
    requestId: randomUUID()
  })
}

/** For Fastify's `clientErrorHandler`: answers if the socket still can, then ends the connection. */
export function answerClientError (error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statuses[error.code ?? ''] ?? 400
  const body = bodyOf(status)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close'
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** An `Expect` that nobody can meet (RFC 9110, section 10.1.1). */
function answerExpectation (_request: IncomingMessage, response: ServerResponse): void {
  const body = bodyOf(417)
  response.writeHead(417, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), connection: 'close' }).end(body)
}

/**
 * Exactly one `Host`, except in HTTP/1.0 (RFC 9112, section 3.2): of two, a proxy in front may have believed the other.
 * @throws BadRequest (400)
 */
function requireOneHost ({ rawHeaders, httpVersion }: IncomingMessage): void {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'host') count += 1
  if (count === 1 || (count === 0 && httpVersion === '1.0')) return
  throw new BadRequest('A request has exactly one Host header.', { headers: { connection: 'close' } })
}

/** Needs a server that leaves it to us to ask for `Host` (`requireHostHeader: false`): Node's own answer has no body. */
export default fp(async app => {
  app.server.on('checkExpectation', answerExpectation)
  app.addHook('onRequest', async request => requireOneHost(request.raw))
}, { name: 'client-error', dependencies: ['errors'] })
