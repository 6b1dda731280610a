/** Which repository URLs are taken. */
import t from 'tap'
import { checkRepoUrl } from '../../../services/directory/repo-url.ts'

for (const url of ['https://example.org/a.git', 'ssh://git@example.org:22/a', 'git@example.org:team/a.git', 'file:///srv/a.git', '/srv/a.git', 'git://example.org/a']) {
  t.test(`${url} is taken`, async t => { t.doesNotThrow(() => checkRepoUrl(url)) })
}

for (const url of ['--upload-pack=touch x', 'ext::sh -c touch% x', 'fd::17/foo', 'transport::address', 'a.git', '../a.git', '//host/share', 'https://', 'javascript:alert(1)', 'git@-oProxyCommand=x:a', 'a@b::c', 'https://example.org/a b']) {
  t.test(`${url} is refused`, async t => {
    t.throws(() => checkRepoUrl(url), { code: 'unprocessable', members: { errors: [{ pointer: '/repoUrl' }] } })
  })
}
