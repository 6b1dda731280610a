/** Deliveries as jobs: each turn of a delivery is one. */
import type { Db } from '../../db/client.ts'
import type { Job, JobQueue } from '../../db/job-queue.ts'
import type { DeliveryRow } from '../../db/webhook-deliveries.ts'

/** A turn that was scheduled; out of date when the delivery is at another one. */
export interface TurnData { deliveryId: string, turn: number }

export type TurnJob = Job<TurnData>
export type TurnQueue = JobQueue<TurnData>

export const queueName = 'webhook-deliveries'

/** Schedules the present turn of deliveries, in the transaction that made it. */
export async function schedule (queue: TurnQueue, trx: Db, rows: readonly Pick<DeliveryRow, 'id' | 'webhook_id' | 'turn' | 'next_attempt_at'>[]): Promise<void> {
  await queue.add(trx, rows.map(row => ({ data: { deliveryId: row.id, turn: row.turn }, group: row.webhook_id, startAfter: row.next_attempt_at })))
}
