import t from 'tap'
import { createAdoptedWatch } from '../../../services/runtime/adopted-watch.ts'
import { startProgram } from '../../fixtures/processes.ts'

t.test('the end of a process is seen within a second, without its code', async t => {
  const { process: one } = await startProgram(t, 'never-ready.js')
  const { process: other } = await startProgram(t, 'never-ready.js')
  const watch = createAdoptedWatch()
  t.teardown(watch.close)
  const ends: string[] = []
  const seen = watch.exitOf({ pid: one.pid, startTime: one.startTime })
  seen.then(() => ends.push('one'), () => {})
  watch.exitOf({ pid: other.pid, startTime: other.startTime }).then(() => ends.push('other'), () => {})
  const begun = performance.now()
  process.kill(one.pid, 'SIGKILL')
  t.same(await seen, { code: null, signal: null })
  t.ok(performance.now() - begun < 5_000)
  t.same(ends, ['one'])
})

t.test('one that is gone already is seen too, and another process with its pid is not it', async t => {
  const watch = createAdoptedWatch()
  // The watch itself keeps nobody from ending.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => {
    clearInterval(alive)
    watch.close()
  })
  t.same(await watch.exitOf({ pid: process.pid, startTime: '1@another-boot' }), { code: null, signal: null })
})
