/** Boot to ready: of the service on each database, against a bare Fastify server. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { startServiceProcess, untilReady } from '../cli/service-process.ts'
import { pairMs } from './measure.ts'
import { over, type Result } from './report.ts'

const bareProgram = "import('fastify').then(async ({ default: fastify }) => { await fastify().listen({ port: 0 }); process.exit(0) })"

async function bareBootMs (): Promise<number> {
  const began = performance.now()
  const child = spawn(process.execPath, ['--input-type=module', '--eval', bareProgram], { stdio: 'ignore' })
  await new Promise(resolve => child.once('exit', resolve))
  return performance.now() - began
}

async function bootMs (env: Record<string, string>): Promise<number> {
  const began = performance.now()
  const service = await startServiceProcess(env)
  await untilReady(service.url)
  const elapsed = performance.now() - began
  await service.stop()
  return elapsed
}

/** Warm starts: the database exists and is migrated. */
export async function measureBoot (databaseUrl: string, folder: string): Promise<Result[]> {
  const postgres = { DATABASE_URL: databaseUrl, BERTH_DATA_DIR: join(folder, 'data') }
  const embedded = { BERTH_DATA_DIR: join(folder, 'embedded') }
  await bootMs(embedded)
  return [
    over('boot to ready, PostgreSQL', 'bare Fastify listens', await pairMs(5, () => bootMs(postgres), bareBootMs), null),
    over('boot to ready, embedded', 'bare Fastify listens', await pairMs(5, () => bootMs(embedded), bareBootMs), null)
  ]
}
