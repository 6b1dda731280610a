/** The one shape of every error: RFC 9457 problem details with this service's members. */
import { Type, type Static } from '@sinclair/typebox'
import { Uuid } from './kit.ts'

export const InvalidPlace = Type.Object({
  pointer: Type.String({ description: 'JSON pointer (RFC 6901) into the body, or `#/query/…`, `#/params/…`, `#/headers/…`.' }),
  message: Type.String()
}, { $id: 'InvalidPlace' })

export const Problem = Type.Object({
  type: Type.String({ description: 'A stable name of the kind of problem.' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: 'What happened here, and what to do.' }),
  instance: Type.String({ description: 'The path of the request.' }),
  code: Type.String({ description: 'The kind of problem, for programs.' }),
  error: Type.String({ description: 'The same as `detail`.' }),
  requestId: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(Type.Unsafe<Static<typeof InvalidPlace>>({ $ref: 'InvalidPlace#' }))),
  operationId: Type.Optional(Uuid),
  closeReadiness: Type.Optional(Type.Unsafe<unknown>({ $ref: 'CloseReadiness#' }))
}, { $id: 'Problem', additionalProperties: true, description: 'An error (RFC 9457).' })

export type InvalidPlace = Static<typeof InvalidPlace>
export type Problem = Static<typeof Problem>
