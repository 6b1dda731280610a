/** A config smuggled in by metadata is checked like any other. */
import { test } from 'tap'
import { configInMetadata } from '../../../services/workspaces/config-input.ts'

test('metadata without a config holds none; null clears it', async t => {
  t.equal(configInMetadata(undefined), undefined)
  t.equal(configInMetadata({ a: 1 }), undefined)
  t.equal(configInMetadata({ config: null }), null)
  t.same(configInMetadata({ config: { provisionCommand: 'x', serviceStates: { 0: 'running' } } }), { provisionCommand: 'x', serviceStates: { 0: 'running' } })
})

test('what is wrong is pointed at', async t => {
  const pointers = (config: unknown): string[] => {
    try {
      configInMetadata({ config })
    } catch (error) {
      return (error as { members: { errors: { pointer: string }[] } }).members.errors.map(({ pointer }) => pointer)
    }
    return []
  }
  t.same(pointers({ bogus: 1 }), ['/metadata/config/bogus'])
  t.same(pointers({ 'a/b': 1 }), ['/metadata/config/a~1b'])
  t.same(pointers({ provisionCommand: 7 }), ['/metadata/config/provisionCommand'])
  t.same(pointers({ desiredState: 'flying' }), ['/metadata/config/desiredState'])
  t.same(pointers('x'), ['/metadata/config'])
})
