/** What it costs to say who one is: the same read by API key and by JWT, beside one that mode `local` takes without. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { Agent, get } from 'node:http'
import { SignJWT } from 'jose'
import { createClient } from '../cli/client.ts'
import { median } from './measure.ts'
import { over, type Result } from './report.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** For the service that is measured: the key its tokens are signed with. */
export const authEnvironment = { BERTH_JWT_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString() }

const blocks = 60
const blockSize = 50

/** Milliseconds of each of a block of requests, one after the other on one connection. */
async function block (agent: Agent, url: string, headers: Record<string, string>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < blockSize; n++) {
    const started = performance.now()
    await new Promise<void>((resolve, reject) => {
      get(url, { agent, headers }, response => {
        if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`))
        response.resume().once('end', resolve)
      }).once('error', reject)
    })
    times.push(performance.now() - started)
  }
  return times
}

/** Measures a service that was started with `authEnvironment`. */
export async function measureAuth (serviceUrl: string): Promise<Result[]> {
  const call = createClient(serviceUrl)
  const companyAt = `/api/companies/${randomUUID()}`
  await call('PUT', companyAt, { name: 'Bench' }, 201)
  const companyId = companyAt.split('/').at(-1)
  const { body: { key } } = await call<{ key: string }>('POST', `${companyAt}/keys`, { name: 'bench', actorType: 'board', userId: 'bench', role: 'member' }, 201)
  const berth = { actor: 'board', instanceAdmin: false, memberships: [{ companyId, role: 'member', status: 'active' }] }
  const token = await new SignJWT({ berth }).setSubject('bench').setExpirationTime('1 h').setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
  const ways = { nothing: {}, key: { authorization: `Bearer ${key}` }, token: { authorization: `Bearer ${token}` } }
  const times: Record<keyof typeof ways, number[]> = { nothing: [], key: [], token: [] }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    // In turn, so that a noisy neighbour hits all alike; the first blocks warm up.
    for (let n = 0; n < blocks; n++) {
      for (const way of ['nothing', 'key', 'token'] as const) {
        const taken = await block(agent, `${serviceUrl}${companyAt}`, ways[way])
        if (n >= blocks / 4) times[way].push(...taken)
      }
    }
  } finally {
    agent.destroy()
  }
  const floorMs = median(times.nothing)
  return [
    over('get one by API key', 'the same in mode local', { oursMs: median(times.key), floorMs }, 0.3),
    over('get one by JWT (RS256)', 'the same in mode local', { oursMs: median(times.token), floorMs }, 0.5)
  ]
}
