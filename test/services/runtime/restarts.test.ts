import t from 'tap'
import { createRestarts } from '../../../services/runtime/restarts.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { silentLog } from '../../fixtures/silent-log.ts'

const soon = (ms: number) => new Date(Date.now() + ms)

t.test('a service is started again at its time, the last one given', async t => {
  const restarted: string[] = []
  const restarts = createRestarts({ restart: async id => { restarted.push(id) }, now: () => new Date(), log: silentLog })
  restarts.schedule('a', soon(60_000))
  restarts.schedule('a', soon(5))
  restarts.schedule('late', soon(-5))
  await eventually(() => restarted.length === 2, 'both are started again')
  t.same(restarted.sort(), ['a', 'late'])
  await restarts.close()
})

t.test('what is cancelled is not started, nor anything after the end; the end waits for what is under way', async t => {
  const [begun, restarted]: string[][] = [[], []]
  const gate = Promise.withResolvers<void>()
  const restarts = createRestarts({
    async restart (id) {
      begun?.push(id)
      await gate.promise
      restarted?.push(id)
      throw new Error('it failed, which its row tells')
    },
    now: () => new Date(),
    log: silentLog
  })
  restarts.schedule('cancelled', soon(0))
  restarts.schedule('under way', soon(0))
  restarts.schedule('never', soon(5_000))
  restarts.cancel('cancelled')
  await eventually(() => begun?.includes('under way') === true, 'the first one is under way')
  const closed = restarts.close()
  restarts.schedule('after the end', soon(0))
  gate.resolve()
  await closed
  t.same(begun, ['under way'])
  t.same(restarted, ['under way'])
})
