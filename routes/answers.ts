/** How routes answer beyond a plain value: pages with a `Link`, new things with a `Location`; and what a request makes its change depend on. */
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Page } from '../openapi/schemas/common.ts'

/**
 * Answers with a page of a list: sets `Link: <…>; rel="next"` when there is a next one and returns the items.
 * The link is the request's own path and query with the new cursor.
 * @example async (request, reply) => sendPage(reply, request, await app.operations.listOfRun(…))
 */
export function sendPage<T> (reply: FastifyReply, request: FastifyRequest, page: Page<T>): T[] {
  linkNext(reply, request, page.nextCursor)
  return page.items
}

/** Sets the `Link` to the next page, if there is one. */
export function linkNext (reply: FastifyReply, request: FastifyRequest, nextCursor: string | null): void {
  if (nextCursor === null) return
  const [path = '', query = ''] = request.url.split('?', 2)
  const next = new URLSearchParams(query)
  next.set('cursor', nextCursor)
  reply.header('link', `<${path}?${next.toString()}>; rel="next"`)
}

/** Marks the answer as 201 with a `Location` and returns the new thing. */
export function sendCreated<T> (reply: FastifyReply, location: string, resource: T): T {
  reply.code(201).header('location', location)
  return resource
}

/** What a change is only made for: the request's `If-Match` and `If-None-Match`. */
export function conditionsOf (headers: Pick<IncomingHttpHeaders, 'if-match' | 'if-none-match'>): { ifMatch: string | undefined, ifNoneMatch: string | undefined } {
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] }
}
