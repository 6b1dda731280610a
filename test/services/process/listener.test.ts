import { randomUUID } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import t from 'tap'
import { listenerOf } from '../../../services/process/listener.ts'
import { hasProc } from '../../../services/process/proc-stat.ts'
import { descendantsOf } from '../../../services/process/tree.ts'
import { eventually, freePort, listenHere, programCommand, startProgram } from '../../fixtures/processes.ts'

if (!hasProc) {
  t.plan(0, 'needs /proc')
  process.exit()
}

t.test('a tree owns the port that one of its children listens on', async t => {
  const port = await freePort()
  const { process: root, mark, says } = await startProgram(t, 'serves-from-child.js', { env: { PORT: String(port) } })
  t.equal(await listenerOf({ root, mark }, port), 'none', 'nobody listens yet')
  await says(/listening/)
  t.equal(await listenerOf({ root, mark }, port), 'own')
  t.equal(await listenerOf({ root: null, mark: randomUUID() }, port), 'foreign', 'for another tree it is a stranger')
})

t.test('a tree owns the port of a server that left session and parent', async t => {
  const port = await freePort()
  const command = 'setsid sh -c \'sh -c "$SERVE" & echo "server $!"\'; exec sleep 60'
  const { process: root, mark, says } = await startProgram(t, 'left', { command, env: { PORT: String(port), SERVE: programCommand('http-server.js') } })
  const server = Number(await says(/server (\d+)/))
  await says(/listening/)
  await eventually(() => ![...descendantsOf(root)].includes(server), 'nothing ties it to the root but its mark')
  t.equal(await listenerOf({ root, mark }, port), 'own')
})

t.test('a tree does not own a port that a stranger listens on', async t => {
  const port = await listenHere(t)
  const { process: root, mark, says } = await startProgram(t, 'never-ready.js')
  await says(/starting/)
  t.equal(await listenerOf({ root, mark }, port), 'foreign')
})

t.test('a port is not owned while a stranger listens on another address of it', async t => {
  const port = await listenHere(t, { host: '127.0.0.2' })
  const { process: root, mark, says } = await startProgram(t, 'http-server.js', { env: { PORT: String(port) } })
  await says(/listening/)
  t.equal(await listenerOf({ root, mark }, port), 'foreign')
})

const hasIpv6 = Object.values(networkInterfaces()).flat().some(one => one?.address === '::1')
const withIpv6 = { skip: !hasIpv6 && 'this machine has no IPv6' }

t.test('IPv6 listeners count too, on their own and beside others', withIpv6, async t => {
  const port = await freePort()
  const { process: root, mark, says } = await startProgram(t, 'http-server.js', { env: { PORT: String(port), HOST: '::1' } })
  await says(/listening/)
  t.equal(await listenerOf({ root, mark }, port), 'own')
  await listenHere(t, { port, host: '127.0.0.1' })
  t.equal(await listenerOf({ root, mark }, port), 'foreign')
})

t.test('a stranger on the IPv6 address beside the own server is seen', withIpv6, async t => {
  const port = await freePort()
  const { process: root, mark, says } = await startProgram(t, 'http-server.js', { env: { PORT: String(port) } })
  await says(/listening/)
  await listenHere(t, { port, host: '::1' })
  t.equal(await listenerOf({ root, mark }, port), 'foreign')
})
