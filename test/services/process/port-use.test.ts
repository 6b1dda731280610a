import t from 'tap'
import { canListen, isListenedOn } from '../../../services/process/port-use.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { freePort, listenHere } from '../../fixtures/processes.ts'

t.test('a free port can be listened on, and stays free', async t => {
  const port = await freePort()
  t.ok(await canListen(port))
  t.ok(await canListen(port), 'asking does not take it')
  t.notOk(await isListenedOn(port))
})

t.test('a port with a listener on one address only is taken', async t => {
  const port = await listenHere(t, { host: '127.0.0.1' })
  t.notOk(await canListen(port))
  if (hasProc) t.ok(await isListenedOn(port))
  const onIpv6 = await listenHere(t, { host: '::1' }).catch(() => null)
  if (onIpv6 !== null) t.notOk(await canListen(onIpv6), 'IPv6 alone too')
})
