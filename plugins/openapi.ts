/** The named schemas, the OpenAPI document (`app.swagger()`), and Swagger UI at `/docs` from files of the package. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { documentHead } from '../openapi/document.ts'
import { finishDocument, noteBodyExample } from '../openapi/finish-document.ts'
import { components } from '../openapi/schemas/index.ts'
import { rememberIds, useSeenIds } from './docs-page.ts'

export default fp(async app => {
  for (const component of components) app.addSchema(component)

  await app.register(swagger, {
    openapi: documentHead,
    convertConstToEnum: false,
    // The name of a component is its `$id`; without this they are called def-0, def-1, …
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => typeof json['$id'] === 'string' ? json['$id'] : `def-${index}` },
    transform: noteBodyExample,
    transformObject: document => 'openapiObject' in document ? finishDocument(document.openapiObject) : document.swaggerObject
  })

  await app.register(swaggerUi, {
    routePrefix: '/docs',
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
}, { name: 'openapi', dependencies: ['config', 'errors'] })
