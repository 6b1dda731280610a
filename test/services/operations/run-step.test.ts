import t from 'tap'
import { statusWhenEnded, ServiceStopping } from '../../../services/operations/run-step.ts'
import { isProblem } from '../../../services/errors.ts'

t.test('what is ended by hand is cancelled, what ends with the service interrupted', async t => {
  t.equal(statusWhenEnded(AbortSignal.abort()), 'cancelled')
  t.equal(statusWhenEnded(AbortSignal.abort(new Error('by hand'))), 'cancelled')
  t.equal(statusWhenEnded(AbortSignal.abort(new ServiceStopping())), 'interrupted')
})

t.test('a request that the stopping service ends gets a 503', async t => {
  const stopping = new ServiceStopping()
  t.ok(isProblem(stopping))
  t.match(stopping, { statusCode: 503, headers: { 'retry-after': '2' } })
})
