/** The page on operations: its commands work as pasted, in their order, and it names every status. */
import t from 'tap'
import { operationStatuses } from '../../openapi/schemas/operation.ts'
import { readDocsPage } from '../fixtures/docs-page.ts'

const { text: page, runExample } = await readDocsPage('operations.md')

t.test('every status of an operation has its row', async t => {
  for (const status of operationStatuses) t.match(page, `| \`${status}\` |`)
})

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`its commands work as pasted (${kind})`, async t => {
    t.same(await runExample(t, kind), [
      'succeeded',
      'running',
      'true', 'event: log',
      'cancelled', '0',
      'once',
      'succeeded cancelled succeeded', 'execution_workspace.created',
      'event: workspace_operation.ended', 'event: workspace_operation.started'
    ])
  })
}
