/** Reads against a bare Fastify and pg handler: one workspace, lists, depth, operations. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { openDatabase } from '../db/client.ts'
import { createClient } from '../cli/client.ts'
import { pairThroughput, throughput } from './measure.ts'
import { rate, type Result } from './report.ts'
import { seedOperations, seedWorkspaces } from './seed.ts'

const bareServerFile = fileURLToPath(new URL('bare-server.ts', import.meta.url))

async function startBareServer (databaseUrl: string): Promise<{ url: string, stop (): Promise<void> }> {
  const child = spawn(process.execPath, [bareServerFile], { env: { ...process.env, DATABASE_URL: databaseUrl }, stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the bare server ended with code ${code}`)))
    createInterface({ input: child.stdout }).on('line', line => {
      const found = /listens at (\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found)
    })
  })
  return {
    url,
    async stop () {
      child.kill('SIGTERM')
      await gone
    }
  }
}

/** The URL of the page that begins after `depth` items, found by following `Link`. */
async function pageAtDepth (baseUrl: string, listPath: string, depth: number): Promise<string> {
  let next: string | null = `${baseUrl}${listPath}?limit=500&summary=true`
  for (let seen = 0; seen < depth && next !== null; seen += 500) {
    const response: Response = await fetch(next)
    if (!response.ok) throw new Error(`${next} answered ${response.status}`)
    await response.arrayBuffer()
    const link = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    next = link === undefined ? null : new URL(link, baseUrl).href
  }
  if (next === null) throw new Error(`the list ends before ${depth}`)
  const cursor = new URL(next).searchParams.get('cursor') ?? ''
  return `${baseUrl}${listPath}?limit=100&cursor=${encodeURIComponent(cursor)}`
}

/** Seeds 10,000 workspaces and, in another company, 100,200; then measures. */
export async function measureReads (serviceUrl: string, databaseUrl: string, repository: string): Promise<Result[]> {
  const database = await openDatabase({ databaseUrl, dataDir: '', log: pino({ level: 'silent' }) })
  const many = { companyId: randomUUID(), projectId: randomUUID(), projectWorkspaceId: randomUUID() }
  const deep = { companyId: randomUUID(), projectId: randomUUID(), projectWorkspaceId: randomUUID() }
  await seedWorkspaces(database.db, many, repository, 10_000)
  await seedWorkspaces(database.db, deep, repository, 100_200)
  const bare = await startBareServer(databaseUrl)
  try {
    const call = createClient(serviceUrl)
    const listPath = `/api/companies/${many.companyId}/execution-workspaces`
    const [first, busy] = (await call<{ id: string }[]>('GET', `${listPath}?limit=2`)).body.map(({ id }) => id)
    if (first === undefined || busy === undefined) throw new Error('there are no workspaces')
    await seedOperations(database.db, many.companyId, first, 1000)
    await seedOperations(database.db, many.companyId, busy, 100_000)
    const operationsOf = (id: string) => `${serviceUrl}/api/execution-workspaces/${id}/workspace-operations`
    const deepPath = `/api/companies/${deep.companyId}/execution-workspaces`
    const shallow = `${serviceUrl}${deepPath}?limit=100`
    const atDepth = await pageAtDepth(serviceUrl, deepPath, 100_000)
    await throughput(`${serviceUrl}${listPath}`, 2) // warm up
    return [
      rate('get one', 'bare Fastify + pg, same rows', await pairThroughput(3, 3, `${serviceUrl}/api/execution-workspaces/${first}`, `${bare.url}/one/${first}`), 0.7),
      rate('list 100', 'bare Fastify + pg, same rows', await pairThroughput(3, 3, `${serviceUrl}${listPath}`, `${bare.url}/list/${many.companyId}`), null),
      rate('list 100 at depth 100,000', 'the same list at depth 0', await pairThroughput(3, 3, atDepth, shallow), 0.9),
      rate('operations 100', 'bare Fastify + pg, same rows', await pairThroughput(3, 3, operationsOf(first), `${bare.url}/operations/${first}`), null),
      rate('operations 100 of 100,000', 'the same list of 1,000', await pairThroughput(3, 3, operationsOf(busy), operationsOf(first)), 0.9)
    ]
  } finally {
    await bare.stop()
    await database.close()
  }
}
