/** Times that JavaScript and PostgreSQL both can hold. */
import t from 'tap'
import { isStorableTime } from '../../plugins/schema-compilers.ts'

t.test('RFC 3339 times of the years 1 to 9999 are taken', async t => {
  for (const text of ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.123Z', '2024-02-29T23:59:59+02:00', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-06-01T00:00:00-11:30']) t.ok(isStorableTime(text), text)
})

t.test('anything else is not', async t => {
  for (const text of ['', 'now', '2026-01-31', '2026-01-31T12:00Z', '2026-01-31 12:00:00Z', '2026-01-31T12:00:00', '2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2016-12-31T23:59:60Z', '0000-06-01T00:00:00Z', '0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-01:00', '+12026-01-01T00:00:00Z', '2026-01-01T00:00:00+25:00', '2026-01-01T00:00:00Z\n']) {
    t.notOk(isStorableTime(text), text)
  }
})
