/** Actions that take time, as `app.actions`: answered when the request prefers (`Prefer`), and always done to their end. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { withPatience, type OnBegun } from '../services/operations/begun.ts'
import { settlesWithin } from '../services/process/settles-within.ts'
import { readPreference } from './prefer-header.ts'

export interface Actions {
  /**
   * Does an action. When the client does not want to wait for the end, marks the answer as 202 with the operation in
   * `Location`, and lets the action go on. A client that hangs up changes nothing.
   * @param action gets whom to tell that it has begun, if anybody wants to know
   */
  run<T> (request: FastifyRequest, reply: FastifyReply, action: (onBegun?: OnBegun<T>) => Promise<T>): Promise<{ value: T, hasEnded: boolean }>
}

declare module 'fastify' {
  interface FastifyInstance { actions: Actions }
}

/** Operations are told to end before; what an action has to do after its operation takes no longer than this. */
const lastStepsMs = 5_000

export default fp(async app => {
  const underWay = new Set<Promise<unknown>>()

  /** Keeps the database open for it until it has ended, also when nobody waits for its answer any more. */
  function tracked<T> (running: Promise<T>): Promise<T> {
    underWay.add(running)
    const leave = () => { underWay.delete(running) }
    running.then(leave, leave)
    return running
  }

  app.addHook('onClose', async () => {
    await settlesWithin(Promise.allSettled(underWay), lastStepsMs)
  })

  async function run<T> (request: FastifyRequest, reply: FastifyReply, action: (onBegun?: OnBegun<T>) => Promise<T>): Promise<{ value: T, hasEnded: boolean }> {
    const { waitMs, applied } = readPreference(String(request.headers['prefer'] ?? ''))
    if (waitMs === null) return { value: await tracked(action()), hasEnded: true }
    const answered = await withPatience<T>({
      waitMs,
      onLateFailure: (error, operationId) => request.log.warn({ err: error, operationId }, 'an action that was answered early has failed')
    }, onBegun => tracked(action(onBegun)))
    if (!answered.hasEnded) {
      reply.code(202).header('location', `/api/workspace-operations/${answered.operationId}`).header('preference-applied', applied)
    }
    return answered
  }
  app.decorate('actions', { run })
}, { name: 'preferences', dependencies: ['database', 'operations'] })
