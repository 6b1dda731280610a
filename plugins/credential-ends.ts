/** When credentials end, as `app.credentialEnds`: for what is kept open longer than a request. */
import fp from 'fastify-plugin'
import { createCredentialEnds, type CredentialEnds } from '../services/access/credential-ends.ts'

declare module 'fastify' {
  interface FastifyInstance { credentialEnds: Pick<CredentialEnds, 'watch'> }
}

export default fp(async app => {
  const { db, listen } = app.database
  const ends = createCredentialEnds({ db, listen, log: app.log })
  app.addHook('onClose', async () => { await ends.close() })
  app.decorate('credentialEnds', ends)
}, { name: 'credential-ends', dependencies: ['database'] })
