/** A delivery that waits for its next try when the process is killed is sent by the next process. */
import t from 'tap'
import { eventually } from '../fixtures/eventually.ts'
import { startReceiver } from '../fixtures/receiver.ts'
import { startService } from '../fixtures/service.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

t.test('a kill between two tries loses nothing', async t => {
  const receiver = await startReceiver(t, response => response.writeHead(503).end())
  const dataDir = await temporaryFolder(t)
  const env = { BERTH_WEBHOOK_ALLOW_PRIVATE: 'true', BERTH_WEBHOOK_RETRY_MAX_SEC: '1' }
  const path = '/api/companies/11111111-1111-4111-8111-111111111111'
  const call = async (url: string, method: string, body?: object): Promise<any> => {
    const response = await fetch(url, { method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) })
    return await response.json()
  }

  const first = await startService(t, dataDir, env)
  await call(first.url + path, 'PUT', { name: 'Example Company' })
  const { id } = await call(`${first.url}${path}/webhooks`, 'POST', { url: receiver.url, types: ['project.'] })
  const deliveries = `${path}/webhooks/${id}/deliveries`
  await call(`${first.url}${path}/projects`, 'POST', { name: 'Greeter' })
  await eventually(async () => (await call(first.url + deliveries, 'GET'))[0]?.attemptCount > 0, 'the first try')
  await first.kill()

  receiver.answer = response => response.writeHead(200).end()
  const next = await startService(t, dataDir, env)
  // Nearly always at once; if the kill came in the middle of a try, when that try's time is up.
  await eventually(async () => (await call(next.url + deliveries, 'GET'))[0]?.status === 'delivered', 'the delivery', 90_000)
  t.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1)
  t.ok(receiver.received.length >= 2)
})
