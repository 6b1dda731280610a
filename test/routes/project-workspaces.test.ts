/** Project workspaces over HTTP: statuses, headers, and what bad input gets. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { agentOf, buildTestApp, nobody, person } from '../fixtures/app.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const company = `/api/companies/${ids.company}`
const project = `${company}/projects/${ids.project}`
const one = `${project}/workspaces/${ids.projectWorkspace}`

t.test('project workspaces over HTTP', async t => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'checkout'))
  const { call, dataDir } = await buildTestApp(t, { config: { allowedRoots: [root] } })
  await call('PUT', company, { name: 'Example Company' })
  await call('PUT', project, { name: 'Greeter' })

  t.test('bad input gets a problem, and nothing is made', async t => {
    const cases: [object, number, string, string][] = [
      [{}, 400, 'invalid_input', '/name'],
      [{ name: 'a'.repeat(201) }, 400, 'invalid_input', '/name'],
      [{ name: 'a', colour: 'red' }, 400, 'invalid_input', '/colour'],
      [{ name: 'a', isPrimary: 'yes' }, 400, 'invalid_input', '/isPrimary'],
      [{ name: 'a', desiredState: 'running' }, 400, 'invalid_input', '/desiredState'],
      [{ name: 'a', cwd: 'checkout' }, 422, 'path_not_allowed', '/cwd'],
      [{ name: 'a', cwd: join(root, 'missing') }, 422, 'path_not_allowed', '/cwd'],
      [{ name: 'a', cwd: '/etc' }, 422, 'path_not_allowed', '/cwd'],
      [{ name: 'a', cwd: dataDir }, 422, 'path_not_allowed', '/cwd'],
      [{ name: 'a', cwd: `/${'a'.repeat(5000)}` }, 400, 'invalid_input', '/cwd'],
      [{ name: 'a', repoUrl: 'ext::sh -c id' }, 422, 'unprocessable', '/repoUrl'],
      [{ name: 'a', runtimeConfig: { commands: 'web' } }, 422, 'invalid_runtime_config', '/runtimeConfig/commands'],
      [{ name: 'a', runtimeConfig: { commands: [{ name: 'web', command: 'x', dependsOn: [{ command: 'nothing' }] }] } }, 422, 'invalid_runtime_config', '/runtimeConfig/commands/0/dependsOn/0/command'],
      [{ name: 'a', runtimeConfig: [] }, 400, 'invalid_input', '/runtimeConfig']
    ]
    for (const [body, status, code, pointer] of cases) {
      const answer = await call('PUT', one, body)
      t.match(answer, { status, body: { code, errors: [{ pointer }] } }, JSON.stringify(body).slice(0, 80))
    }
    t.equal((await call('GET', one)).status, 404)
    t.same((await call('GET', `${project}/workspaces`)).body, [])
  })

  t.test('a put creates with 201 and a Location, then replaces with 200; each has an ETag', async t => {
    const body = { name: 'Main', cwd: join(root, 'checkout'), metadata: { a: [1, null, { b: 'ü' }] } }
    const first = await call('PUT', one, body)
    t.match(first, { status: 201, headers: { location: one, etag: /^"[\w-]{22}"$/ }, body: { ...body, id: ids.projectWorkspace, isPrimary: true, repoUrl: null, desiredState: null } })
    const second = await call('PUT', one, body)
    t.match(second, { status: 200, headers: { etag: first.headers['etag'] } })
    t.same(second.body, first.body)
    const cached = await call('GET', one, undefined, { headers: { 'if-none-match': `W/${String(first.headers['etag'])}` } })
    t.match(cached, { status: 304, text: '' })
    t.not((await call('PUT', one, { ...body, name: 'Other' })).headers['etag'], first.headers['etag'])
    t.equal((await call('GET', one, undefined, { headers: { 'if-none-match': String(first.headers['etag']) } })).status, 200)
  })

  t.test('a post makes the id and says where it is', async t => {
    const answer = await call('POST', `${project}/workspaces`, { name: 'Another' })
    t.equal(answer.status, 201)
    t.equal(answer.headers['location'], `${project}/workspaces/${answer.body.id}`)
    t.same((await call('GET', String(answer.headers['location']))).body, answer.body)
    t.match(await call('DELETE', String(answer.headers['location'])), { status: 204, text: '' })
    t.equal((await call('GET', String(answer.headers['location']))).status, 404)
  })

  t.test('the list links to its next page', async t => {
    for (let index = 0; index < 3; index += 1) await call('POST', `${project}/workspaces`, { name: `w${index}` })
    const seen: string[] = []
    let url: string | undefined = `${project}/workspaces?limit=2`
    while (url !== undefined) {
      const answer = await call('GET', url)
      t.equal(answer.status, 200)
      seen.push(...answer.body.map((item: { name: string }) => item.name))
      url = /^<(\/[^>]*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
      if (url !== undefined) t.match(url, /limit=2&cursor=/)
    }
    t.same(seen, ['w2', 'w1', 'w0', 'Other'])
  })

  t.test('upper-case ids are the same ids', async t => {
    t.equal((await call('PUT', one.toUpperCase().replace('/API/COMPANIES', '/api/companies').replace('/PROJECTS/', '/projects/').replace('/WORKSPACES/', '/workspaces/'), { name: 'Other' })).body.id, ids.projectWorkspace)
  })

  t.test('who may do what', async t => {
    const agent = agentOf(ids.company, ids.agent)
    t.equal((await call('GET', one, undefined, { actor: nobody })).status, 401)
    t.equal((await call('GET', one, undefined, { actor: person(ids.project) })).status, 403)
    t.equal((await call('GET', one, undefined, { actor: person(ids.company, 'viewer') })).status, 200)
    t.equal((await call('PUT', one, { name: 'x' }, { actor: person(ids.company, 'member') })).status, 403)
    t.equal((await call('GET', one, undefined, { actor: agent })).status, 200)
    t.match(await call('PUT', one, { name: 'x', cleanupCommand: 'rm -rf /', cwd: '/' }, { actor: agent }), { status: 403, body: { code: 'forbidden_for_agents', errors: [{ pointer: '/cleanupCommand' }, { pointer: '/cwd' }] } })
    t.equal((await call('DELETE', one, undefined, { actor: person(ids.company, 'member') })).status, 403)
    t.match((await call('GET', one)).body, { name: 'Other', cleanupCommand: null })
  })
})
