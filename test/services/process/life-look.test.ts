import t from 'tap'
import { openLifeLook } from '../../../services/process/life-look.ts'
import { hasProc, readStat } from '../../../services/process/proc-stat.ts'
import { readIdentity } from '../../../services/process/tree.ts'
import { eventually, startProgram } from '../../fixtures/processes.ts'

const onlyLinux = hasProc ? {} : { skip: 'needs /proc' }

t.test('a process lives until it ends', async t => {
  const { process: started } = await startProgram(t, 'never-ready.js')
  const look = openLifeLook(started)
  t.teardown(look.close)
  t.ok(look.isAlive())
  t.ok(look.isAlive())
  process.kill(started.pid, 'SIGKILL')
  await started.exited
  t.notOk(look.isAlive())
  look.close()
  t.notOk(look.isAlive(), 'also when it is not held any more')
})

t.test('one that is not waited for has ended', onlyLinux, async t => {
  const { says } = await startProgram(t, 'leaves-zombie.js')
  const pid = Number(await says(/zombie (\d+)/))
  const stat = await eventually(() => { const seen = readStat(pid); return seen?.state === 'Z' && seen }, 'the child is a zombie')
  const look = openLifeLook(stat)
  t.teardown(look.close)
  t.notOk(look.isAlive())
})

t.test('one that becomes a zombie while it is looked at has ended', onlyLinux, async t => {
  const command = "exec sh -c 'sleep 60 & echo child $!; exec tail -f /dev/null'"
  const { says } = await startProgram(t, 'a parent that never waits', { command })
  const pid = Number(await says(/child (\d+)/))
  const look = openLifeLook(await eventually(() => readIdentity(pid), 'the child is there'))
  t.teardown(look.close)
  t.ok(look.isAlive())
  process.kill(pid, 'SIGKILL')
  await eventually(() => readStat(pid)?.state === 'Z', 'nobody waits for it')
  t.notOk(look.isAlive())
})

t.test('another process with its pid is not it', async t => {
  const look = openLifeLook({ pid: process.pid, startTime: '1@another-boot' })
  t.teardown(look.close)
  t.notOk(look.isAlive())
})
