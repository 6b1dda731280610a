/** The process: reads the configuration, locks the data dir, listens (recovery begins then), and ends gracefully. */
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { lockDataDir, type DataDirLock } from './db/data-dir-lock.ts'
import { packageJson } from './openapi/document.ts'
import { helpText, loadConfig, type Config } from './plugins/config.ts'
import { explainStartFailure } from './plugins/start-failure.ts'
import { createLauncher, type Launcher } from './services/process/launcher.ts'

/** A running job may take 10 s to end after its stop signal; a little more for the rest. */
const closeWithinMs = 15_000

async function start (config: Config): Promise<void> {
  const lock = await lockDataDir(config.dataDir)
  let app: FastifyInstance | undefined
  const launcher = createLauncher({ onTrouble: err => app?.log.warn({ err }, 'processes are begun more slowly, by this one itself, until there is a launcher again') })
  try {
    app = await buildApp(config, { launch: launcher.launch })
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await app?.close()
    await launcher.close()
    await lock.release()
    throw error
  }
  endGracefully(app, launcher, lock)
  announce(app, config)
}

function endGracefully (app: FastifyInstance, launcher: Launcher, lock: DataDirLock): void {
  closeWithGrace({ delay: closeWithinMs, logger: app.log }, async ({ signal, err }) => {
    if (err === undefined) app.log.info({ signal }, 'ending')
    else app.log.fatal({ err }, 'ending after an error nobody caught')
    await app.close()
    await launcher.close()
    await lock.release()
  })
}

function announce (app: FastifyInstance, config: Config): void {
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : config.port
  const host = config.host.includes(':') ? `[${config.host.replace(/[[\]]/g, '')}]` : config.host
  const url = `http://${host}:${port}`
  console.log(`Berth ${packageJson.version} listens at ${url} and its docs are at ${url}/docs (data dir ${config.dataDir}, ${app.database.kind === 'pglite' ? 'embedded database: for one process, not safe against a power cut' : 'PostgreSQL'})`)
}

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  console.log(helpText())
} else {
  try {
    await start(loadConfig(process.env))
  } catch (error) {
    console.error(`Berth can not start: ${await explainStartFailure(error)}`)
    process.exit(1)
  }
}
