/** Which part of a log is asked for, and where following one begins. */
import { Type } from '@sinclair/typebox'
import { closed } from './kit.ts'

// What a number in JSON can say exactly (2^53 - 1); text such as 1e999 would else become a number without end.
const maxOffset = 9_007_199_254_740_991

export const LogPartQuery = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: maxOffset, default: 0, description: 'Bytes; take `nextOffset` of the answer before.' })),
  limitBytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 2_097_152, default: 256_000 }))
}, closed)

export const LogStartQuery = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: maxOffset, description: 'Where to begin, in bytes; at the beginning unless given.' })),
  tail: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_097_152, description: 'Begin about this many bytes before the end instead, with a line; 0 for only what is still to come.' }))
}, closed)
