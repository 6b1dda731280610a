/** Waiting no longer than some time. */
import t from 'tap'
import { settlesWithin } from '../../../services/process/settles-within.ts'

t.test('what resolves in time is true, what does not is false, what fails throws', async t => {
  t.equal(await settlesWithin(Promise.resolve(0), 60_000), true)
  t.equal(await settlesWithin(new Promise(() => {}), 1), false)
  await t.rejects(settlesWithin(Promise.reject(new Error('no')), 60_000), /no/)
})
