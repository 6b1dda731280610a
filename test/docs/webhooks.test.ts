/** The page on webhooks: its receiver and its check run as they are, its message and its numbers are what is true. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { componentExamples } from '../../openapi/examples.ts'
import { configWith } from '../../plugins/config.ts'
import { nextStep } from '../../services/webhooks/retry.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { eventually } from '../fixtures/eventually.ts'
import { freePort } from '../fixtures/processes.ts'
import { startReceiver } from '../fixtures/receiver.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { readDocsPage } from '../fixtures/docs-page.ts'

const { text: page, block } = await readDocsPage('webhooks.md')

const companyId = '11111111-1111-4111-8111-111111111111'
const path = `/api/companies/${companyId}/webhooks`

t.test('the receiver and the check take what is sent, and nothing else', async t => {
  const { call } = await buildTestApp(t, { config: { webhookAllowPrivate: true } })
  const folder = await temporaryFolder(t)
  await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'receiver.mjs'), block('js receiver'))
  await writeFile(join(folder, 'check.mjs'), block('js check'))
  const { isGenuine } = await import(pathToFileURL(join(folder, 'check.mjs')).href) as { isGenuine (secret: string, headers: object, body: string): boolean }

  await call('PUT', `/api/companies/${companyId}`, { name: 'Example Company' })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const { body: { id, secret } } = await call('POST', path, { url, types: ['agent.'] })
  const child = spawn(process.execPath, [join(folder, 'receiver.mjs')], { env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => {
    child.kill()
    await once(child, 'exit')
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  await eventually(async () => await fetch(url, { method: 'POST', body: '{}' }).then(({ status }) => status === 401, () => false), 'the receiver, which refuses what is not signed')
  await call('POST', `${path}/${id}/test`)
  await eventually(() => lines.includes(`webhook.ping ${id}`), 'the test')

  const watching = await startReceiver(t)
  const { body: second } = await call('POST', path, { url: watching.url, types: ['agent.'] })
  await call('POST', `${path}/${second.id}/test`)
  await eventually(() => watching.received.length === 1, 'another test')
  const [{ headers, body } = { headers: {}, body: '' }] = watching.received
  t.ok(isGenuine(second.secret, headers, body))
  t.notOk(isGenuine(secret, headers, body))
  t.notOk(isGenuine(second.secret, headers, `${body} `))
  t.notOk(isGenuine(second.secret, { ...headers, 'webhook-timestamp': '1' }, body))
})

t.test('the message is as it comes', async t => {
  const { data, ...shown } = JSON.parse(block('json message')) as { data: object }
  const { data: all, ...example } = componentExamples['WebhookMessage'] as { data: object }
  t.same(shown, example)
  t.hasStrict(all, data)
})

t.test('the numbers are those of the service', async t => {
  const { webhookTimeoutSec, webhookMaxAttempts, webhookRetryMaxSec } = configWith({ dataDir: '/nowhere' })
  t.match(page, `within ${webhookTimeoutSec} seconds`)
  t.match(page, `After ${webhookMaxAttempts} tries`)
  const rules = { maxAttempts: webhookMaxAttempts, maxPauseSec: webhookRetryMaxSec }
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(attempts => nextStep(500, attempts, rules, 0)).map(next => next.kind === 'retry' ? next.afterMs / 1000 : 0)
  t.same(pauses, [5, 5 * 60, 30 * 60, ...[2, 5, 10, 14, 20, 24].map(hours => hours * 3600)])
  t.match(page, 'after 5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours')
})
