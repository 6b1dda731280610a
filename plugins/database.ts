/** The database as `app.database`: opened (or given), migrated, closed with the app if opened here. */
import fp from 'fastify-plugin'
import { openDatabase, type Database } from '../db/client.ts'
import { migrateToLatest } from '../db/migrate.ts'

declare module 'fastify' {
  interface FastifyInstance { database: Database }
}

export interface DatabaseOptions {
  /** An open, migrated database; it stays open when the app closes. */
  database?: Database | undefined
}

export default fp<DatabaseOptions>(async (app, { database }) => {
  if (database !== undefined) {
    app.decorate('database', database)
    return
  }
  const { dataDir, databaseUrl } = app.config
  const opened = await openDatabase({ dataDir, databaseUrl, log: app.log })
  app.addHook('onClose', async () => { await opened.close() })
  const applied = await migrateToLatest(opened.db, opened.kind)
  if (applied.length > 0) app.log.info({ applied }, 'database migrated')
  app.decorate('database', opened)
}, { name: 'database', dependencies: ['config'] })
