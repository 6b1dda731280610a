/** What is answered on a socket whose request can't even be parsed: a problem too, written by hand. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { BadRequest } from '../services/errors.ts'

interface ClientError extends Error { code?: string }

/** Statuses of errors of Node's parser; any other is a 400. */
const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
const details: Record<number, string> = {
  400: 'This is not an HTTP request.',
  408: 'The request took too long to arrive.',
  431: 'The headers are too large.'
}

/** For Fastify's `clientErrorHandler`: answers if the socket still can, then ends the connection. */
export function answerClientError (error: ClientError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statuses[error.code ?? ''] ?? 400
  const problem = new BadRequest(details[status] ?? '')
  const body = JSON.stringify({
    type: `urn:berth:problem:${problem.code}`,
    title: problem.title,
    status,
    detail: problem.detail,
    instance: '/',
    code: problem.code,
    error: problem.detail,
    requestId: randomUUID()
  })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close'
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
