/**
 * What the page at `/docs` does with ids: the service makes the ids of workspaces, operations and services, so the
 * page remembers the last ones it saw and puts them in the place of the example's. Both functions are sent to the
 * browser as source text, so they use nothing from outside themselves.
 */

/** Swagger UI's `responseInterceptor`: remembers ids for as long as the page is open. Changes nothing. */
export function rememberIds<T extends object> (response: T): T {
  const { url = '', text = '', status = 0 } = response as { url?: string, text?: string, status?: number }
  if (status < 200 || status > 299 || !/\/api\//.test(url)) return response
  interface Seen { id?: unknown, mode?: unknown, phase?: unknown, serviceName?: unknown, workspace?: unknown, operation?: unknown, runtimeServices?: unknown, disabledReason?: unknown, webhookId?: unknown, actorType?: unknown, prefix?: unknown }
  const page = globalThis as { berthSeenIds?: Record<string, string> }
  const seen = page.berthSeenIds ??= {}
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) {
      look(value[0])
      return
    }
    const one = value as Seen
    if (typeof one.id === 'string') {
      if (one.phase !== undefined) seen['77777777-7777-4777-8777-777777777777'] = one.id
      else if (one.serviceName !== undefined) seen['88888888-8888-4888-8888-888888888888'] = one.id
      else if (one.webhookId !== undefined) seen['ffffffff-ffff-4fff-8fff-ffffffffffff'] = one.id
      else if (one.prefix !== undefined && one.actorType !== undefined) seen['12121212-1212-4212-8212-121212121212'] = one.id
      else if (one.disabledReason !== undefined) seen['eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee'] = one.id
      else if (one.mode !== undefined) seen['66666666-6666-4666-8666-666666666666'] = one.id
    }
    look(one.runtimeServices)
    look(one.workspace)
    look(one.operation)
  }
  try {
    look(JSON.parse(text))
  } catch {
    // Not JSON, such as the metrics: there are no ids to remember.
  }
  return response
}

/** Swagger UI's `requestInterceptor`: puts remembered ids in the place of the example's, in the URL and in the body. */
export function useSeenIds<T extends object> (request: T): T {
  const { berthSeenIds: seen = {} } = globalThis as { berthSeenIds?: Record<string, string> }
  const target = request as { url?: string, body?: unknown }
  for (const [example, id] of Object.entries(seen)) {
    if (target.url !== undefined) target.url = target.url.replaceAll(example, id)
    if (typeof target.body === 'string') target.body = target.body.replaceAll(example, id)
  }
  return request
}
