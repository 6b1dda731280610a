import t from 'tap'
import { isListening, listeningPids, portOwner } from '../../../services/process/proc-net.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { freePort, listenHere } from '../../fixtures/processes.ts'

if (!hasProc) {
  t.plan(0, 'needs /proc')
  process.exit()
}

t.test('a free port has no owner', async t => {
  const port = await freePort()
  t.equal(await portOwner(port), null)
  t.same(await listeningPids(port), [])
  t.notOk(await isListening(port))
})

t.test('the owner of a port is named by pid and command', async t => {
  const port = await listenHere(t)
  t.equal((await portOwner(port))?.pid, process.pid)
  t.match((await portOwner(port))?.command, /proc-net\.test\.ts/)
  t.same(await listeningPids(port), [process.pid])
})

t.test('a listener on IPv6 is seen', async t => {
  const port = await listenHere(t, { host: '::1' }).catch(() => null)
  if (port === null) return t.pass('this machine has no IPv6')
  t.same(await listeningPids(port), [process.pid])
})

t.test('a port that only shares its end with another is not taken for it', async t => {
  const port = await listenHere(t)
  // The table holds four hexadecimal digits: 0x50 must not match 0x1F50.
  t.notOk((await listeningPids(port & 0x0F)).includes(process.pid))
})
