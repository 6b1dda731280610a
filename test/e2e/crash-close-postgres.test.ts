/** kill -9 of the service at every step of closing and reopening a workspace, on PostgreSQL, at other moments: finished or back, and no byte lost. */
import t from 'tap'
import { createTestDatabase } from '../fixtures/database.ts'
import { crashEverywhere } from '../fixtures/crash-close.ts'

t.test('whenever the service is killed, the next start leaves nothing half done', async t => await crashEverywhere(t, await createTestDatabase(t), 1, { archive: 3, restore: 2 }))
