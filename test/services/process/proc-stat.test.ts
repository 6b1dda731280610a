import t from 'tap'
import { hasEnded, hasInEnvironment, hasProc, readAllStats, readCommandLine, readStat } from '../../../services/process/proc-stat.ts'
import { eventually, startProgram } from '../../fixtures/processes.ts'

const onlyLinux = hasProc ? {} : { skip: 'needs /proc' }

t.test('this process is found with its parent', async t => {
  const stat = readStat(process.pid)
  t.equal(stat?.pid, process.pid)
  t.equal(stat?.parent, process.ppid)
  t.notOk(stat && hasEnded(stat))
})

t.test('pids that name no process give null', async t => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 30]) t.equal(readStat(pid), null, String(pid))
})

t.test('the start time is the same however often it is read', async t => {
  t.equal(readStat(process.pid)?.startTime, readStat(process.pid)?.startTime)
  t.match(readStat(process.pid)?.startTime, /./)
})

t.test('a program name with blanks and brackets does not shift the fields', onlyLinux, async t => {
  const { process: started, says } = await startProgram(t, 'odd name', {
    command: `exec '${process.execPath}' -e "process.title = 'a) R 1 (b'; console.log('named'); setTimeout(() => {}, 60000)"`
  })
  await says(/named/)
  t.equal(readStat(started.pid)?.group, started.pid)
  t.equal(readStat(started.pid)?.startTime, started.startTime)
})

t.test('all processes include this one', onlyLinux, async t => {
  t.ok(readAllStats().some(stat => stat.pid === process.pid))
  t.same(readAllStats(() => ({ from: process.pid, to: process.pid })).map(({ pid }) => pid), [process.pid])
  t.notOk(readAllStats(() => ({ from: process.pid + 1, to: Infinity })).some(stat => stat.pid === process.pid))
  t.notOk(readAllStats(() => ({ from: 0, to: process.pid - 1 })).some(stat => stat.pid === process.pid))
})

t.test('a child that ended and is not waited for has ended', onlyLinux, async t => {
  const { says } = await startProgram(t, 'leaves-zombie.js')
  const pid = Number(await says(/zombie (\d+)/))
  const stat = await eventually(() => { const seen = readStat(pid); return seen?.state === 'Z' && seen }, 'the child is a zombie')
  t.ok(hasEnded(stat))
})

t.test('a process whose first thread has ended lives while others are left', onlyLinux, async t => {
  t.ok((readStat(process.pid)?.threads ?? 0) > 1, 'this one has several')
  t.notOk(hasEnded({ state: 'Z', threads: 2 }))
  t.ok(hasEnded({ state: 'Z', threads: 1 }))
  t.notOk(hasEnded({ state: 'S', threads: 1 }))
})

t.test('the environment is matched by the whole assignment, or by one that goes on with a dot', onlyLinux, async t => {
  const { process: { pid }, says } = await startProgram(t, 'never-ready.js', { env: { AA_NAME: 'value', OTHER: 'NAME=value', DOTTED: 'one.two' } })
  await says(/starting/)
  t.ok(hasInEnvironment(pid, 'AA_NAME=value'))
  t.notOk(hasInEnvironment(pid, 'NAME=value'), 'the end of another')
  t.notOk(hasInEnvironment(pid, 'AA_NAME=valu'), 'the beginning of it')
  t.ok(hasInEnvironment(pid, 'DOTTED=one'))
  t.notOk(hasInEnvironment(pid, 'DOTTED=one.two.three'), 'more than it')
  t.notOk(hasInEnvironment(2 ** 30, 'AA_NAME=value'), 'no process')
})

t.test('a command line is readable', onlyLinux, async t => {
  t.match(readCommandLine(process.pid), /proc-stat\.test\.ts/)
  t.equal(readCommandLine(2 ** 30), null)
})
