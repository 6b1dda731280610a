import t from 'tap'
import { CloseBlocked, InternalError, NotFound, ServiceStartFailed, catalogue, isProblem } from '../../services/errors.ts'

t.test('codes are written in one way, and only three of them are the service\'s own fault', async t => {
  for (const [code, { status, title }] of catalogue) {
    t.match(code, /^[a-z]+(_[a-z]+)*$/)
    t.ok(status >= 400 && status < 600 && title.length > 0, code)
  }
  t.same([...catalogue].filter(([, { status }]) => status >= 500).map(([code]) => code), ['internal_error', 'unavailable', 'insufficient_storage'])
})

t.test('a problem carries its code, status, title, members and cause', async t => {
  const cause = new Error('exit 1')
  const problem = new ServiceStartFailed('web did not start', { members: { service: 'web' }, headers: { 'retry-after': '1' }, cause })
  t.match(problem, { code: 'service_start_failed', statusCode: 422, title: 'The service did not start', detail: 'web did not start', message: 'web did not start', members: { service: 'web' }, headers: { 'retry-after': '1' } })
  t.equal(problem.cause, cause)
})

t.test('a percent sign in the detail is text, not a format', async t => {
  t.equal(new NotFound('100%s of %d%').message, '100%s of %d%')
})

t.test('problems are told from other errors', async t => {
  t.ok(isProblem(new CloseBlocked('an issue is open')))
  t.ok(isProblem(new InternalError('x')))
  t.notOk(isProblem(new Error('x')))
  t.notOk(isProblem(Object.assign(new Error('x'), { code: 'ENOENT', detail: 'x', members: {} })))
  t.notOk(isProblem({ code: 'not_found', detail: 'x', members: {} }))
})
