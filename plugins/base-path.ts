/** The path the service has at its gateway: taken off what is asked for, and put before the links that are answered. */
import fp from 'fastify-plugin'

/** For Fastify's `rewriteUrl`: gateways hand requests on with the base path or without it. */
export function withoutBasePath (url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : url
}

export default fp(async app => {
  const { basePath } = app.config
  if (basePath === '') return
  // After the plugin that keeps answers: what it keeps has no base path, and gets it each time it is given.
  app.addHook('onSend', async (_request, reply, payload) => {
    const location = reply.getHeader('location')
    if (typeof location === 'string' && location.startsWith('/')) reply.header('location', `${basePath}${location}`)
    const link = reply.getHeader('link')
    if (typeof link === 'string' && link.startsWith('</')) reply.header('link', `<${basePath}${link.slice(1)}`)
    return payload
  })
}, { name: 'base-path', dependencies: ['config', 'idempotency'] })
