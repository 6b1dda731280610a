/** Is the process alive, is it ready to work: `app.health`. */
import { sql } from 'kysely'
import fp from 'fastify-plugin'
import { packageJson } from '../openapi/document.ts'
import type { Health, Readiness } from '../openapi/schemas/service.ts'

export interface HealthDoor {
  live (): Health
  /** Asks the database, with a deadline; the recovery of this process must be over. */
  ready (): Promise<Readiness>
}

/** What start-up recovery says about itself. */
export interface RecoveryState {
  state: Readiness['recovery']['state']
  detail: string | null
  report: Record<string, unknown> | null
}

declare module 'fastify' {
  interface FastifyInstance { health: HealthDoor }
}

/** A database that takes longer than this is not one to work with. */
const databaseWithinMs = 2000

export interface HealthOptions {
  /** Asked each time; without it there is nothing to recover. */
  recovery?: (() => RecoveryState) | undefined
}

export default fp<HealthOptions>(async (app, { recovery }) => {
  const { db, kind } = app.database

  async function databaseAnswers (): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>(resolve => { timer = setTimeout(() => resolve(false), databaseWithinMs) })
    const asked = sql`select 1`.execute(db).then(() => true, (error: unknown) => {
      app.log.warn({ err: error }, 'the database does not answer')
      return false
    })
    return await Promise.race([asked, late]).finally(() => clearTimeout(timer))
  }

  app.decorate('health', {
    live: () => ({ status: 'ok', version: packageJson.version, uptimeSec: Math.round(process.uptime() * 1000) / 1000 }),
    async ready () {
      const ok = await databaseAnswers()
      const state = recovery?.() ?? { state: 'done' as const, detail: null, report: null }
      // A full disk does not make it not ready: who is sent away could neither stop nor archive anything.
      return { status: ok && state.state === 'done' ? 'ready' : 'not_ready', database: { kind, ok }, recovery: state, disk: await app.freeSpace.read() }
    }
  })
}, { name: 'health', dependencies: ['config', 'database', 'free-space', 'observability'] })
