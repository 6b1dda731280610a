/** Headers of requests that many routes take, to be put into `headers: Type.Object({ … })`. */
import { Type } from '@sinclair/typebox'

// Longer than any list of tags a client has reason to send.
const maxTagsLength = 500

/** Of every action that takes time. Not bounded: what can not be read is ignored, never refused. */
export const PreferField = {
  prefer: Type.Optional(Type.String({
    description: '`respond-async`: answer 202 as soon as the work has begun, with its operation in `Location`. `wait=10`: answer so if it has not ended within 10 seconds. Both: wait so long, then answer so. What has ended by then is answered as ever. What is not understood is ignored (RFC 7240).',
    examples: ['respond-async', 'wait=10']
  }))
}

export const IfMatchField = {
  'if-match': Type.Optional(Type.String({ maxLength: maxTagsLength, description: 'The `ETag` of the resource as you know it; `*`: whatever it is, if there is one. Else: 412, and nothing is changed.' }))
}

export const IfNoneMatchField = {
  'if-none-match': Type.Optional(Type.String({ maxLength: maxTagsLength, description: '`*`: only create; if there is one already: 412, and nothing is changed.' }))
}

/** Of an answer 202. */
export const AcceptedHeaders = {
  Location: { type: 'string', description: 'The operation that goes on; ask there how it ends.' },
  'Preference-Applied': { type: 'string', description: 'What of `Prefer` led to this answer.' }
} as const
