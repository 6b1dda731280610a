/** Archive, restore, start, run and a writing program in one workspace at random offsets, on PostgreSQL: nothing is lost and nothing half done. */
import t from 'tap'
import { raceTwice } from '../../fixtures/close-races.ts'

t.test('fifty rounds of everything at once', async t => await raceTwice(t, 'postgres', 20260116))
