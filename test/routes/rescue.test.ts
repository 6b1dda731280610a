/** What is kept of a closed workspace, over HTTP: the list, one file of it, who may, and what bad input gets. */
import { randomUUID } from 'node:crypto'
import { rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { agentOf, nobody, person } from '../fixtures/app.ts'
import { httpHouse } from '../fixtures/http-workspaces.ts'

for (const kind of ['pglite', 'postgres'] as const) {
  test(`the files of an archived workspace are listed and handed out (${kind})`, async t => {
    const { call, create } = await httpHouse(t, { kind, repository: { files: { 'README.md': '# A test\n', '.gitignore': '.env\n' } } })
    const { body: made } = await create({ mode: 'isolated_workspace' })
    const url = `/api/execution-workspaces/${made.id}/rescue`
    t.match(await call('GET', url), { status: 200, body: { workspaceId: made.id, ref: null, fileCount: 0, files: [] } }, 'nothing is kept of one that is open')
    t.match(await call('GET', `${url}/files/README.md`), { status: 404, body: { detail: /no rescue snapshot/ } })

    await writeFile(join(made.cwd, 'README.md'), 'changed\n')
    await writeFile(join(made.cwd, 'two words.txt'), 'a thought\n')
    await writeFile(join(made.cwd, '.env'), 'SECRET=1\n')
    await symlink('README.md', join(made.cwd, 'link'))
    t.equal((await call('POST', `/api/execution-workspaces/${made.id}/archive`)).body.workspace.status, 'archived')

    const listed = await call('GET', url)
    t.match(listed, { status: 200, body: { ref: `refs/berth/rescue/${made.id}`, branch: made.branchName, fileCount: 4, archive: null } })
    const files = [
      { path: '.env', status: 'ignored', mode: '100644', sizeBytes: 9 },
      { path: 'README.md', status: 'modified', mode: '100644', sizeBytes: 8 },
      { path: 'link', status: 'untracked', mode: '120000', sizeBytes: 9 },
      { path: 'two words.txt', status: 'untracked', mode: '100644', sizeBytes: 10 }
    ]
    t.same(listed.body.files, files)
    const first = await call('GET', `${url}?limit=3`)
    t.same(first.body.files, files.slice(0, 3))
    const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers['link']))?.[1] ?? ''
    const second = await call('GET', next)
    t.same([second.body.files, second.headers['link']], [files.slice(3), undefined])

    const file = await call('GET', `${url}/files/two%20words.txt`)
    t.match(file, { status: 200, text: 'a thought\n', headers: { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment', 'x-content-type-options': 'nosniff', 'berth-file-mode': '100644' } })
    t.equal((await call('GET', `${url}/files/README.md?from=index`)).text, '# A test\n', 'as it was staged')
    t.match(await call('GET', `${url}/files/link`), { status: 200, text: 'README.md', headers: { 'berth-file-mode': '120000' } }, 'a link is not followed')
    t.equal((await call('POST', `/api/execution-workspaces/${made.id}/restore`)).status, 200)
    t.equal((await call('GET', url)).body.fileCount, 4, 'it is still kept')
  })
}

test('who may, bad input, and a repository that is gone', async t => {
  const { call, create, companyId, repository } = await httpHouse(t)
  const { body: made } = await create({ mode: 'isolated_workspace' })
  await writeFile(join(made.cwd, '.env'), 'SECRET=1\n')
  t.equal((await call('POST', `/api/execution-workspaces/${made.id}/archive`)).body.workspace.status, 'archived')
  const url = `/api/execution-workspaces/${made.id}/rescue`
  const cases = [
    ['nobody', nobody, 401, 401],
    ["another company's person", person(randomUUID()), 404, 404],
    ['a viewer', person(companyId, 'viewer'), 200, 403],
    ['an agent with nothing to do here', agentOf(companyId, randomUUID()), 200, 403],
    ['a member', person(companyId), 200, 200]
  ] as const
  for (const [who, actor, listing, opening] of cases) {
    t.equal((await call('GET', url, undefined, { actor })).status, listing, `${who} lists`)
    t.equal((await call('GET', `${url}/files/.env`, undefined, { actor })).status, opening, `${who} opens a file that may be secret`)
  }
  const bad: [string, number][] = [
    [`${url}?limit=0`, 400], [`${url}?cursor=x`, 400], [`${url}?cursor=${Buffer.from('["x",0]').toString('base64url')}`, 400], [`${url}?surprise=1`, 400],
    [`${url}/files/`, 400], [`${url}/files/.env?from=moon`, 400], [`${url}/files/%00`, 400], [`${url}/files/%ff`, 400], [`${url}/files/nothing`, 404],
    [`${url}/files/..%2F..%2Fetc%2Fpasswd`, 404], [`${url}/files/${'x'.repeat(5000)}`, 400], ['/api/execution-workspaces/not-a-uuid/rescue/files/x', 400],
    [`/api/execution-workspaces/${randomUUID()}/rescue`, 404], [`/api/execution-workspaces/${randomUUID()}/rescue/files/x`, 404]
  ]
  for (const [path, status] of bad) t.equal((await call('GET', path)).status, status, path.slice(0, 150))
  await rename(repository, `${repository}-gone`)
  for (const path of [url, `${url}/files/.env`]) t.match(await call('GET', path), { status: 422, body: { code: 'rescue_unreadable', detail: /can not be read/ } })
  await rename(`${repository}-gone`, repository)
})
