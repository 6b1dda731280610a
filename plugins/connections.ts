/** Lets go of connections when the service ends: of those on which nothing was ever asked, and of those whose last answer has just been given. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fp from 'fastify-plugin'

export default fp(async app => {
  // Node takes them for busy, and would wait for them.
  const silent = new Set<Socket>()
  let ending = false

  app.server.on('connection', (socket: Socket) => {
    if (ending) {
      socket.destroy()
      return
    }
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  app.server.on('request', ({ socket }: IncomingMessage) => { silent.delete(socket) })

  app.addHook('preClose', async () => {
    ending = true
    for (const socket of silent) socket.destroy()
  })

  // Else a client keeps the connection for its next request, which nobody will answer.
  app.addHook('onSend', async (_request, reply, payload) => {
    if (ending) reply.header('connection', 'close')
    return payload
  })
}, { name: 'connections' })
