/** kill -9 of the service at every step of closing and reopening a workspace, on the embedded database: finished or back, and no byte lost. */
import t from 'tap'
import { crashEverywhere } from '../fixtures/crash-close.ts'

t.test('whenever the service is killed, the next start leaves nothing half done', async t => await crashEverywhere(t, '', 0, { archive: 6, restore: 2 }))
