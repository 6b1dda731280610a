/** Every migration by its name, in the order of their names; imported one by one so that a build keeps them. */
import type { Migration } from 'kysely/migration'
import * as initial from './0001-initial.ts'
import * as runtimeLifecycle from './0002-runtime-lifecycle.ts'
import * as leaseEnds from './0003-lease-ends.ts'
import * as companyEvents from './0004-company-events.ts'
import * as cancel from './0005-cancel.ts'
import * as webhooks from './0006-webhooks.ts'
import * as retention from './0007-retention.ts'
import * as idempotencyClaims from './0008-idempotency-claims.ts'
import * as closing from './0010-closing.ts'
import * as apiKeys from './0011-api-keys.ts'

export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-runtime-lifecycle': runtimeLifecycle,
  '0003-lease-ends': leaseEnds,
  '0004-company-events': companyEvents,
  '0005-cancel': cancel,
  '0006-webhooks': webhooks,
  '0007-retention': retention,
  '0008-idempotency-claims': idempotencyClaims,
  '0010-closing': closing,
  '0011-api-keys': apiKeys
}
