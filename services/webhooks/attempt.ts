/** One turn of a delivery: sends, records how it went, and schedules the next turn where there is one. */
import type { Db } from '../../db/client.ts'
import { endTurn, findTurn, type DeliveryTurn } from '../../db/webhook-deliveries.ts'
import type { RowPatch } from '../../db/tables.ts'
import type { StoredAttempt } from '../../db/tables/webhooks.ts'
import { findWebhook, updateWebhook } from '../../db/webhooks.ts'
import { systemActor } from '../access/actor.ts'
import { recordActivity } from '../operations/activity.ts'
import type { TurnJob, TurnQueue } from './queue.ts'
import { schedule } from './queue.ts'
import { nextStep, type Next, type RetryRules } from './retry.ts'
import { send, type SendRules, type Sent } from './send.ts'
import { signatureHeaders } from './signature.ts'

export interface AttemptDeps {
  db: Db
  now: () => Date
  random: () => number
  sending: SendRules
  retries: RetryRules
}

/** What is kept of a delivery's attempts. */
const keptAttempts = 20

const disabled: Sent = { httpStatus: null, error: 'The webhook is disabled.', response: null }

/**
 * Does a job.
 * @returns in how many milliseconds the next turn is due; null when there is none
 * @throws the signal's reason when the service ends in the middle: the turn is not over, so give the job back
 */
export async function attempt (deps: AttemptDeps, queue: TurnQueue, job: TurnJob, signal: AbortSignal): Promise<number | null> {
  const { db, now } = deps
  const turn = await findTurn(db, job.data)
  if (turn === undefined) {
    await db.transaction().execute(trx => queue.finish(trx, job))
    return null
  }
  const at = now()
  const began = performance.now()
  const sent = turn.enabled ? await send(messageOf(turn, at), deps.sending, signal) : disabled
  const next: Next = turn.enabled ? nextStep(sent.httpStatus, turn.attempt_count + 1, deps.retries, deps.random()) : { kind: 'dead' }
  await db.transaction().execute(async trx => {
    await queue.finish(trx, job)
    const made: StoredAttempt = { at: at.toISOString(), durationMs: Math.round(performance.now() - began), ...sent }
    await record(deps, queue, trx, { turn, attempt: made, next })
  })
  return next.kind === 'retry' ? next.afterMs : null
}

function messageOf (turn: DeliveryTurn, at: Date) {
  const previous = turn.previous_secret !== null && turn.previous_secret_expires_at !== null && turn.previous_secret_expires_at > at ? [turn.previous_secret] : []
  return { url: turn.url, body: turn.payload, headers: signatureHeaders({ id: turn.id, timestamp: at, body: turn.payload }, [turn.secret, ...previous]) }
}

async function record ({ now }: AttemptDeps, queue: TurnQueue, trx: Db, { turn, attempt, next }: { turn: DeliveryTurn, attempt: StoredAttempt, next: Next }): Promise<void> {
  const at = now()
  const patch = {
    attempt_count: turn.attempt_count + 1,
    attempts: JSON.stringify([...turn.attempts, attempt].slice(-keptAttempts)),
    updated_at: at,
    ...outcome(next, turn.turn, at)
  }
  // Somebody sent it again by hand meanwhile: that turn goes on.
  if (!await endTurn(trx, turn, patch)) return
  if (next.kind === 'retry') await schedule(queue, trx, [{ id: turn.id, webhook_id: turn.webhook_id, turn: turn.turn + 1, next_attempt_at: patch.next_attempt_at ?? null }])
  if (next.kind === 'gone') await disable(trx, turn, at)
}

function outcome (next: Next, turn: number, at: Date): Pick<RowPatch<'webhook_deliveries'>, 'status' | 'turn' | 'finished_at'> & { next_attempt_at: Date | null } {
  if (next.kind === 'retry') return { turn: turn + 1, next_attempt_at: new Date(at.getTime() + next.afterMs) }
  return { status: next.kind === 'delivered' ? 'delivered' : 'dead', next_attempt_at: null, finished_at: at }
}

/** The receiver said that it is gone for good. */
async function disable (trx: Db, { webhook_id: id, company_id: companyId }: DeliveryTurn, at: Date): Promise<void> {
  const webhook = await findWebhook(trx, { companyId, id }, true)
  if (webhook?.enabled !== true) return
  await updateWebhook(trx, id, { enabled: false, disabled_reason: 'The receiver answered 410: it is gone for good.', updated_at: at })
  await recordActivity(trx, { companyId, actor: systemActor, action: 'webhook.disabled', entityType: 'webhook', entityId: id, details: { httpStatus: 410 } })
}
