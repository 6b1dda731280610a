/** The docs page: served whole by the service, and its two functions as the browser gets them. */
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { rememberIds, useSeenIds } from '../../plugins/docs-page.ts'
import { buildTestApp } from '../fixtures/app.ts'

t.test('the page and all it loads come from the service itself', async t => {
  const warnings: unknown[] = []
  const { call } = await buildTestApp(t, { onLog: line => { if (line.level >= 40) warnings.push(line) } })
  const page = await call('GET', '/docs')
  t.equal(page.status, 200)
  t.match(page.headers['content-security-policy'], /default-src 'self'/)
  t.notMatch(page.headers['content-security-policy'], /https:|upgrade-insecure-requests/)
  const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1] ?? '')
  t.ok(files.length >= 5)
  for (const file of files) {
    t.match(file, /^\/docs\/static\//, 'a file of its own')
    t.equal((await call('GET', file)).status, 200, file)
  }
  t.same(warnings, [], 'nothing in it is out of order')
  const script = await call('GET', '/docs/static/swagger-initializer.js')
  t.match(script.text, /"requestInterceptor":function useSeenIds/)
  t.match(script.text, /"responseInterceptor":function rememberIds/)
  t.doesNotThrow(() => runInNewContext(`(function () {${script.text}})`), 'it is JavaScript')
})

t.test('an example id is replaced by the last one seen, in the URL and in the body', async t => {
  const page = runInNewContext(`({ remember: ${rememberIds.toString()}, use: ${useSeenIds.toString()} })`) as { remember: typeof rememberIds, use: typeof useSeenIds }
  const answer = (body: unknown, status = 200) => page.remember({ url: 'http://127.0.0.1:4180/api/x', status, text: JSON.stringify(body) })
  const url = `/api/execution-workspaces/${ids.workspace}/runtime-services/start`
  t.equal(page.use({ url }).url, url, 'nothing was seen yet')
  answer({ id: 'refused', mode: 'x' }, 422)
  t.equal(page.use({ url }).url, url, 'a refusal is no sight')
  answer({ workspace: { id: 'w1', mode: 'shared_workspace', runtimeServices: [{ id: 's1', serviceName: 'web' }] }, operation: { id: 'o1', phase: 'workspace_provision' } })
  t.equal(page.use({ url }).url, '/api/execution-workspaces/w1/runtime-services/start')
  t.same(page.use({ url: `/api/workspace-operations/${ids.operation}/log`, body: JSON.stringify({ runtimeServiceId: ids.runtimeService }) }),
    { url: '/api/workspace-operations/o1/log', body: '{"runtimeServiceId":"s1"}' })
  answer([{ id: 'w2', mode: 'shared_workspace' }, { id: 'w3', mode: 'shared_workspace' }])
  t.match(page.use({ url }).url, '/w2/')
  t.doesNotThrow(() => page.remember({ url: '/api/x', status: 200, text: '# not json' }))
  t.equal(page.use({ url: `/api/companies/${ids.company}` }).url, `/api/companies/${ids.company}`, 'ids that are the client\'s stay')
})
