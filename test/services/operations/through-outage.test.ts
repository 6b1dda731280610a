import t from 'tap'
import { throughOutage } from '../../../services/operations/through-outage.ts'

const lost = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

t.test('what meets a lost database is done again until that is back', async t => {
  let tries = 0
  t.equal(await throughOutage(async () => {
    if (++tries < 4) throw lost()
    return 'stored'
  }, { firstPauseMs: 1 }), 'stored')
  t.equal(tries, 4)
})

t.test('what fails for another reason fails at once', async t => {
  let tries = 0
  await t.rejects(throughOutage(async () => {
    tries++
    throw Object.assign(new Error('no'), { code: '23505' })
  }), { code: '23505' })
  t.equal(tries, 1)
})

t.test('after its time it gives up, with what kept it', async t => {
  await t.rejects(throughOutage(async () => { throw lost() }, { withinMs: 20, firstPauseMs: 5 }), { code: 'ECONNREFUSED' })
})
