/** ETags: asking for what has changed, and changing only what is as it is known. */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { httpHouse } from '../fixtures/http-workspaces.ts'
import { web } from '../fixtures/runtime.ts'

for (const kind of ['pglite', 'postgres'] as const) {
  t.test(`on ${kind}`, async t => {
    const { call, create, company, projectId, projectWorkspaceId } = await httpHouse(t, { kind, config: { stopServicesOnExit: true } })
    const getIf = async (url: string, tag: unknown) => await call('GET', url, undefined, { headers: { 'if-none-match': String(tag) } })

    t.test('a workspace is sent again only when it, or what it shows, has changed', async t => {
      const { body: made, headers } = await create({ config: { workspaceRuntime: { commands: [web] } } })
      const url = `/api/execution-workspaces/${made.id}`
      const seen = await call('GET', url)
      t.equal(seen.headers.etag, headers.etag, 'the tag of the creation is that of what is read')
      const same = await getIf(url, seen.headers.etag)
      t.same([same.status, same.text, same.headers.etag, same.headers['content-type']], [304, '', seen.headers.etag, undefined])
      t.equal((await getIf(url, `"x", W/${String(seen.headers.etag)}`)).status, 304)
      t.equal((await call('HEAD', url, undefined, { headers: { 'if-none-match': String(seen.headers.etag) } })).status, 304)

      const { body: started } = await call('POST', `${url}/runtime-services/start`)
      const now = await getIf(url, seen.headers.etag)
      t.equal(now.status, 200, 'a service has started')
      await call('POST', `${url}/runtime-services/stop`, { runtimeServiceId: started.workspace.runtimeServices[0].id })
      t.equal((await call('GET', url)).body.version, now.body.version, 'its stop is no change of the workspace')
      t.equal((await getIf(url, now.headers.etag)).status, 200, 'but of what is shown')

      const patched = await call('PATCH', url, { name: 'Renamed' }, { headers: { 'if-match': String(now.headers.etag) } })
      t.equal(patched.status, 200, 'and no reason to refuse a change')
      t.match(await call('PATCH', url, { name: 'Late' }, { headers: { 'if-match': String(now.headers.etag) } }), { status: 412, body: { code: 'precondition_failed' } })
      t.equal((await getIf(url, patched.headers.etag)).status, 304)
    })

    t.test('lists have no tag', async t => {
      t.equal((await call('GET', `${company}/execution-workspaces`)).headers.etag, undefined)
      t.equal((await getIf(`${company}/projects`, '*')).status, 200)
    })

    t.test('PUT with If-None-Match: * only creates, once', async t => {
      const url = `${company}/projects/${randomUUID()}`
      const only = { headers: { 'if-none-match': '*' } }
      const answers = await Promise.all(['a', 'b', 'c', 'd'].map(async name => await call('PUT', url, { name }, only)))
      t.same(answers.map(({ status }) => status).sort(), [201, 412, 412, 412])
      t.equal((await call('GET', url)).body.name, answers.find(({ status }) => status === 201)?.body.name, 'nothing was replaced')
    })

    t.test('PUT with If-Match only replaces what is as it is known', async t => {
      for (const [url, body] of [
        [company, { name: 'Acme' }],
        [`${company}/projects/${projectId}`, { name: 'Site' }],
        [`${company}/agents/${randomUUID()}`, { name: 'Ada' }],
        [`${company}/issues/${randomUUID()}`, { title: 'A task' }]
      ] as const) {
        const known = String((await call('PUT', url, body)).headers.etag)
        const put = async (word: string, tag: string) => (await call('PUT', url, { ...body, ...('title' in body ? { title: word } : { name: word }) }, { headers: { 'if-match': tag } })).status
        const statuses = await Promise.all(['one', 'two', 'three'].map(async word => await put(word, known)))
        t.same(statuses.sort(), [200, 412, 412], url)
        t.equal(await put('late', `W/${known}`), 412)
        t.equal(await put('any', '*'), 200)
      }
      t.equal((await call('PUT', `${company}/projects/${randomUUID()}`, { name: 'x' }, { headers: { 'if-match': '*' } })).status, 412, 'what is not there is not replaced')
    })

    t.test('DELETE with If-Match only removes what is as it is known', async t => {
      const url = `${company}/projects/${projectId}/workspaces/${randomUUID()}`
      const first = await call('PUT', url, { name: 'Other', repoUrl: 'https://example.invalid/site.git' })
      const second = await call('PUT', url, { name: 'Changed', repoUrl: 'https://example.invalid/site.git' })
      const remove = async (at: string, tag: unknown) => (await call('DELETE', at, undefined, { headers: { 'if-match': String(tag) } })).status
      t.equal(await remove(url, first.headers.etag), 412)
      t.equal((await call('GET', url)).status, 200)
      t.equal(await remove(url, second.headers.etag), 204)
      t.equal(await remove(url, second.headers.etag), 404, 'what is gone is gone, whatever it was')
      t.equal(await remove(`${company}/projects/${projectId}/workspaces/${projectWorkspaceId}`, '"x"'), 409, 'what holds it up is said first')
    })
  })
}
