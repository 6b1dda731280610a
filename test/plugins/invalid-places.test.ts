/** From what the validator found to places and words. */
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import t from 'tap'
import { invalidPlaces } from '../../plugins/invalid-places.ts'

function placesOf (schema: object, value: unknown, context = 'body') {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
  formats.default(ajv)
  const validate = ajv.compile(schema)
  validate(value)
  return invalidPlaces((validate.errors ?? []) as never, context)
}

t.test('a missing or unknown field is pointed at itself, not at its object', async t => {
  const schema = { type: 'object', properties: { 'a/b': { type: 'object', required: ['c'] } }, additionalProperties: false }
  t.same(placesOf(schema, { 'a/b': {}, x: 1 }).map(place => place.pointer).sort(), ['/a~1b/c', '/x'])
  t.same(placesOf(schema, { x: 1 }, 'querystring'), [{ pointer: '#/query/x', message: 'is not a known field' }])
})

t.test('a nullable object tells what is wrong inside, not that it could be null', async t => {
  const schema = { type: 'object', properties: { policy: { anyOf: [{ type: 'object', properties: { on: { type: 'boolean' } } }, { type: 'null' }] } } }
  t.same(placesOf(schema, { policy: { on: 'yes' } }), [{ pointer: '/policy/on', message: 'must be boolean' }])
  t.match(placesOf(schema, { policy: 5 }), [{ pointer: '/policy', message: 'must be object' }])
})

t.test('a place is named once, and never more than 50', async t => {
  t.equal(placesOf({ type: 'string', minLength: 3, pattern: '^a' }, 'b').length, 1)
  t.equal(placesOf({ type: 'array', items: { type: 'integer' } }, Array.from({ length: 200 }, () => 'x')).length, 50)
})

t.test('the words say what is wanted', async t => {
  const words = (schema: object, value: unknown) => placesOf(schema, value)[0]?.message
  t.equal(words({ enum: ['a', null] }, 'b'), 'must be one of a, null')
  t.equal(words({ type: ['string', 'null'] }, 1), 'must be string or null')
  t.equal(words({ type: 'string', format: 'uuid' }, 'x'), 'must be a UUID')
  t.equal(words({ type: 'string', minLength: 1 }, ''), 'must not be empty')
  t.equal(words({ type: 'string', maxLength: 1 }, 'ab'), 'must have at most 1 characters')
})
