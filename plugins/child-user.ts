/** Whom commands and git run as (`BERTH_CHILD_USER`), and work on files in that one's name, as `app.children`. */
import fp from 'fastify-plugin'
import { makeChildRoom } from '../services/process/child-room.ts'
import { UnusableUser, type ChildUser } from '../services/process/child-user.ts'
import { createFilesAs } from '../services/process/files-as.ts'
import { ownFiles, type Files } from '../services/process/files.ts'
import { ConfigError } from './config-error.ts'

export interface Children {
  /** Null: the service's own user. */
  readonly user: ChildUser | null
  readonly files: Files
}

declare module 'fastify' {
  interface FastifyInstance { children: Children }
}

export default fp(async app => {
  const { childUser: user, dataDir } = app.config
  if (user === null) {
    app.decorate('children', { user, files: ownFiles })
    return
  }
  const files = createFilesAs(user)
  app.addHook('onClose', async () => { await files.close() })
  await makeChildRoom({ user, files, dataDir }).catch((error: unknown) => {
    throw error instanceof UnusableUser ? new ConfigError(`BERTH_CHILD_USER ${error.message}.`) : error
  })
  app.decorate('children', { user, files })
  // After the database, whose folder is closed with the others.
}, { name: 'child-user', dependencies: ['config', 'database'] })
