/** Swagger UI at `/docs`, from files of the package. */
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { rememberIds, useSeenIds } from './docs-page.ts'

// After every plugin that decorates requests: a route made before has requests without what came later.
export default fp(async app => {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    ...(app.config.basePath === '' ? {} : { indexPrefix: app.config.basePath }),
    // Serves a strict Content-Security-Policy: the page loads nothing from elsewhere.
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'",
    uiConfig: {
      deepLinking: true,
      displayRequestDuration: true,
      docExpansion: 'list',
      tryItOutEnabled: true,
      requestInterceptor: useSeenIds,
      responseInterceptor: rememberIds
    },
    // The bar above the page is for loading other documents; there is only this one.
    theme: { title: 'Berth API', css: [{ filename: 'berth.css', content: '.swagger-ui .topbar { display: none }' }] }
  })
}, { name: 'docs', dependencies: ['openapi', 'auth', 'idempotency'] })
