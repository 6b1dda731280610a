/** The named schemas and the OpenAPI document (`app.swagger()`). */
import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import { documentHead } from '../openapi/document.ts'
import { finishDocument, describeRoute } from '../openapi/finish-document.ts'
import { components } from '../openapi/schemas/index.ts'

export default fp(async app => {
  for (const component of components) app.addSchema(component)

  await app.register(swagger, {
    openapi: documentHead(app.config),
    convertConstToEnum: false,
    // The name of a component is its `$id`; without this they are called def-0, def-1, …
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => typeof json['$id'] === 'string' ? json['$id'] : `def-${index}` },
    transform: describeRoute,
    transformObject: document => 'openapiObject' in document ? finishDocument(document.openapiObject) : document.swaggerObject
  })
}, { name: 'openapi', dependencies: ['config', 'errors'] })
