/** What begins processes, commands and git alike, as `app.launch`. */
import fp from 'fastify-plugin'
import { launchHere, type Launch } from '../services/process/launch.ts'

declare module 'fastify' {
  interface FastifyInstance { readonly launch: Launch }
}

export default fp<{ launch?: Launch | undefined }>(async (app, { launch = launchHere }) => {
  app.decorate('launch', launch)
}, { name: 'launch' })
