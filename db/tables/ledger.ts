/** Tables that record: hosts, activity, keys. */
import type { Generated } from 'kysely'
import type { BigIntText, Json, JsonObject, JsonOrNull, Stamp } from './columns.ts'

export interface HostsTable {
  id: string
  name: string
  instance_id: string
  pid: number
  data_dir: string
  url: string | null
  started_at: Stamp
  heartbeat_at: Stamp
}

export interface ActivityLogTable {
  id: string
  seq: BigIntText
  company_id: string
  actor_type: 'board' | 'agent' | 'system'
  actor_id: string | null
  agent_id: string | null
  run_id: string | null
  /** The API key that was shown, if it was one. */
  key_id: string | null
  action: string
  entity_type: string
  entity_id: string
  details: JsonOrNull<JsonObject>
  created_at: Stamp
}

/** Written by triggers on activity_log and workspace_operations alone. */
export interface CompanyEventsTable {
  /** The transaction that wrote it, as decimal text; with `seq` the event's place in the order. */
  txid: Generated<string>
  seq: BigIntText
  company_id: string
  type: string
  entity_type: string
  entity_id: string
  data: Json<JsonObject>
  created_at: Stamp
}

/** The last removed event of each company. */
export interface CompanyEventMarksTable {
  company_id: string
  txid: string
  seq: string
}

export interface ApiKeysTable {
  id: string
  /** null: of an instance admin. */
  company_id: string | null
  name: string
  /** The beginning of the key, as lists show it. */
  prefix: string
  /** SHA-256 of the key, hex. */
  digest: string
  actor_type: 'board' | 'agent'
  agent_id: string | null
  user_id: string | null
  /** Of a person in the company. */
  role: 'owner' | 'admin' | 'member' | 'viewer' | null
  created_by: string | null
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
  created_at: Stamp
  updated_at: Stamp
}

export interface IdempotencyKeysTable {
  actor_key: string
  path: string
  key: string
  body_sha256: string
  status: number | null
  headers: JsonOrNull<Record<string, string>>
  body: string | null
  created_at: Stamp
  expires_at: Date
  /** Of the request that is at work for it; null once it is answered. */
  claim_id: string | null
  host_id: string | null
}
