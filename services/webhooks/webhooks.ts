/** A company's webhooks: made, changed, given new secrets, deleted; each change with its activity. */
import { randomUUID } from 'node:crypto'
import type { Db } from '../../db/client.ts'
import { findCompany } from '../../db/companies.ts'
import type { RowPatch } from '../../db/tables.ts'
import { deleteWebhook, findWebhook, insertWebhook, listWebhooks, updateWebhook, type WebhookRow } from '../../db/webhooks.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { CreateWebhookBody, UpdateWebhookBody, Webhook, WebhookWithSecret } from '../../openapi/schemas/webhook.ts'
import type { Actor } from '../access/actor.ts'
import { absent, requireCompany } from '../access/company-access.ts'
import { readPage, type PageRequest } from '../directory/created-pages.ts'
import { namesVersion } from '../entity-tag.ts'
import { PreconditionFailed, WebhookUrlNotAllowed } from '../errors.ts'
import { recordActivity } from '../operations/activity.ts'
import { toWebhook } from './shape.ts'
import { createSecret } from './signature.ts'
import { checkTarget, TargetRefused } from './target.ts'

/** Which webhook: the ids of its path, lower case. */
export interface WebhookKey { companyId: string, id: string }

/**
 * Reads are for whoever may read the company, writes for its admins (403).
 * All throw NotFound; writes of a URL throw WebhookUrlNotAllowed (422).
 */
export interface Webhooks {
  list (actor: Actor, companyId: string, page: PageRequest): Promise<Page<Webhook>>
  get (actor: Actor, key: WebhookKey): Promise<Webhook>
  /** The only answer, beside `rotateSecret`'s, that shows the secret. */
  create (actor: Actor, companyId: string, body: CreateWebhookBody): Promise<WebhookWithSecret>
  /** Throws PreconditionFailed (412) when `ifMatch` names another version. */
  update (actor: Actor, key: WebhookKey, body: UpdateWebhookBody, conditions: { ifMatch?: string | undefined }): Promise<Webhook>
  /** The secret until now signs too for a day; one from before that does not any more. */
  rotateSecret (actor: Actor, key: WebhookKey): Promise<WebhookWithSecret>
  /** Its deliveries go with it. */
  delete (actor: Actor, key: WebhookKey): Promise<void>
}

export interface WebhooksDeps {
  db: Db
  now: () => Date
  allowPrivate: boolean
  /** Deliveries are to be made from now on. */
  start: () => Promise<unknown>
}

const secretOverlapMs = 86_400_000

export function createWebhooks ({ db, now, allowPrivate, start }: WebhooksDeps): Webhooks {
  /** Changes one row, locked, in a transaction. */
  async function change<T> (actor: Actor, key: WebhookKey, work: (trx: Db, row: WebhookRow) => Promise<T>): Promise<T> {
    requireCompany(actor, key.companyId, 'admin')
    return await db.transaction().execute(async trx => {
      const row = await findWebhook(trx, key, true)
      if (row === undefined) throw absent()
      return await work(trx, row)
    })
  }

  async function create (actor: Actor, companyId: string, { url, types = null, description = null, enabled = true }: CreateWebhookBody): Promise<WebhookWithSecret> {
    requireCompany(actor, companyId, 'admin')
    const checked = checkUrl(url, allowPrivate)
    await start()
    const secret = createSecret()
    return await db.transaction().execute(async trx => {
      if (await findCompany(trx, companyId, true) === undefined) throw absent()
      const at = now()
      const row = await insertWebhook(trx, { id: randomUUID(), company_id: companyId, url: checked, types: jsonOf(types), description, enabled, secret, created_at: at, updated_at: at })
      await record(trx, actor, row, 'created', ['url', 'types', 'description', 'enabled'])
      return { ...toWebhook(row), secret }
    })
  }

  return {
    async list (actor, companyId, page) {
      requireCompany(actor, companyId, 'read')
      if (await findCompany(db, companyId) === undefined) throw absent()
      return await readPage(page, slice => listWebhooks(db, companyId, slice), toWebhook)
    },
    async get (actor, key) {
      requireCompany(actor, key.companyId, 'read')
      const row = await findWebhook(db, key)
      if (row === undefined) throw absent()
      return toWebhook(row)
    },
    create,
    async update (actor, key, body, { ifMatch }) {
      return await change(actor, key, async (trx, row) => {
        if (!namesVersion(ifMatch, row.version)) throw new PreconditionFailed('The webhook was changed since you read it; read it again.')
        return toWebhook(await applyPatch(trx, actor, row, patchOf(row, body, allowPrivate), now()))
      })
    },
    async rotateSecret (actor, key) {
      return await change(actor, key, async (trx, row) => {
        const secret = createSecret()
        const at = now()
        const updated = await updateWebhook(trx, row.id, {
          secret, previous_secret: row.secret, previous_secret_expires_at: new Date(at.getTime() + secretOverlapMs), updated_at: at
        })
        await record(trx, actor, row, 'secret_rotated', ['secret'])
        return { ...toWebhook(updated), secret }
      })
    },
    async delete (actor, key) {
      await change(actor, key, async (trx, row) => {
        await deleteWebhook(trx, row.id)
        await record(trx, actor, row, 'deleted', [])
      })
    }
  }
}

function checkUrl (url: string, allowPrivate: boolean): string {
  try {
    return checkTarget(url, { allowPrivate }).href
  } catch (error) {
    if (!(error instanceof TargetRefused)) throw error
    throw new WebhookUrlNotAllowed(error.message, { members: { errors: [{ pointer: '/url', message: error.message }] }, cause: error })
  }
}

function jsonOf (types: string[] | null): string | null {
  return types === null ? null : JSON.stringify(types)
}

/** Writing what is there already changes nothing. Enabled again, it begins anew. */
async function applyPatch (trx: Db, actor: Actor, row: WebhookRow, patch: RowPatch<'webhooks'>, at: Date): Promise<WebhookRow> {
  const changed = Object.keys(patch)
  if (changed.length === 0) return row
  const restart = patch.enabled === true
  const updated = await updateWebhook(trx, row.id, { ...patch, ...(restart ? { disabled_reason: null } : {}), updated_at: at }, { restart })
  await record(trx, actor, row, 'updated', changed)
  return updated
}

/** What differs from the row. */
function patchOf (row: WebhookRow, { url, types, description, enabled }: UpdateWebhookBody, allowPrivate: boolean): RowPatch<'webhooks'> {
  const patch: RowPatch<'webhooks'> = {}
  const checked = url === undefined ? row.url : checkUrl(url, allowPrivate)
  if (checked !== row.url) patch.url = checked
  if (types !== undefined && jsonOf(types) !== jsonOf(row.types)) patch.types = jsonOf(types)
  if (description !== undefined && description !== row.description) patch.description = description
  if (enabled !== undefined && enabled !== row.enabled) patch.enabled = enabled
  return patch
}

/** Names what changed, never a value: a URL may hold a secret too. */
async function record (trx: Db, actor: Actor, row: Pick<WebhookRow, 'id' | 'company_id'>, what: string, changed: string[]): Promise<void> {
  await recordActivity(trx, {
    companyId: row.company_id,
    actor,
    action: `webhook.${what}`,
    entityType: 'webhook',
    entityId: row.id,
    details: changed.length === 0 ? null : { changed }
  })
}
