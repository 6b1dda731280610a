import t from 'tap'
import { storableJson, storableOrNull, storableText } from '../../../services/operations/storable.ts'
import { onBothDatabases } from '../../fixtures/database.ts'
import { sql } from 'kysely'

t.test('NUL and lone surrogates become replacement characters, everything else stays', async t => {
  t.equal(storableText('a\0b\ud800c😀'), 'a\uFFFDb\uFFFDc😀')
  t.equal(storableOrNull(null), null)
  t.equal(storableOrNull('a\0'), 'a\uFFFD')
})

t.test('JSON is made storable in keys and values at any depth, its text left otherwise as it is', async t => {
  t.same(JSON.parse(storableJson({ 'k\0': [{ deep: 'v\0\udc00' }], n: 1, b: true, z: null, escaped: '\\u0000' })), {
    'k\uFFFD': [{ deep: 'v\uFFFD\uFFFD' }], n: 1, b: true, z: null, escaped: '\\u0000'
  })
  t.equal(storableJson({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}')
})

await onBothDatabases(t, 'what is made storable is taken by the database', async (t, { db }) => {
  const json = storableJson({ 'k\0': 'v\ud83d', escaped: '\\u0000' })
  const { rows } = await sql<{ text: string, json: unknown }>`select ${storableText('a\0\ud800')}::text as text, ${json}::jsonb as json`.execute(db)
  t.same(rows[0], { text: 'a\uFFFD\uFFFD', json: JSON.parse(json) })
})
