/** Archive, restore, start, run and a writing program in one workspace at random offsets, on the embedded database: nothing is lost and nothing half done. */
import t from 'tap'
import { raceTwice } from '../../fixtures/close-races.ts'

t.test('fifty rounds of everything at once', async t => await raceTwice(t, 'pglite', 20260106))
