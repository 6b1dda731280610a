/** The page on operations: its commands work as pasted, in their order, and it names every status. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { operationStatuses } from '../../openapi/schemas/operation.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { makeRepository } from '../fixtures/git.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const page = await readFile(join(checkout, 'docs/operations.md'), 'utf8')

t.test('every status of an operation has its row', async t => {
  for (const status of operationStatuses) t.match(page, `| \`${status}\` |`)
})

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`its commands work as pasted (${kind})`, async t => {
    const { app, call } = await buildTestApp(t, { kind })
    const [repository, folder] = [await makeRepository(t), await temporaryFolder(t)]
    await call('PUT', `/api/companies/${ids.company}`, { name: 'Example Company' })
    await call('PUT', `/api/companies/${ids.company}/projects/${ids.project}`, { name: 'Greeter' })
    await call('PUT', `/api/companies/${ids.company}/projects/${ids.project}/workspaces/${ids.projectWorkspace}`, { name: 'Main checkout', cwd: repository, isPrimary: true })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const blocks = [...page.matchAll(/```sh example\n([\s\S]*?)```/g)].map(match => match[1] ?? '')
    const script = ['set -euo pipefail', ...blocks].join('\n').replaceAll('http://127.0.0.1:4180', url)
    const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: folder, timeout: 60_000 })
    t.same(stdout.trimEnd().split('\n'), [
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
