/** Where the services are that a command's templates speak of: running ones as they are, others where they will be. */
import type { Db } from '../../db/client.ts'
import { findLiveRivals } from '../../db/runtime-services.ts'
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import { namedServices } from '../process/template.ts'
import type { Ports } from './ports.ts'
import { addressOf, type Addresses, type ServicePlan } from './service-plan.ts'
import { templatesOf } from './template-problems.ts'

/** The services named in any template of an entry, each once. */
export function servicesNamedIn (entry: CommandEntry): string[] {
  return [...new Set(templatesOf(entry).flatMap(([, template]) => namedServices(template)))]
}

/**
 * The addresses of the services an entry names. One with an automatic port that does not run yet gets its port
 * kept now, so that two services can name each other.
 * @param planOf gives the plan of a service by name, null when there is none such
 */
export async function resolveAddresses ({ db, ports }: { db: Db, ports: Ports }, entry: CommandEntry, planOf: (name: string) => ServicePlan | null): Promise<Addresses> {
  const addresses: Record<string, { port: number | null, url: string | null }> = {}
  for (const name of servicesNamedIn(entry)) {
    const plan = planOf(name)
    if (plan !== null) addresses[name] = await addressFor(db, ports, plan)
  }
  return addresses
}

async function addressFor (db: Db, ports: Ports, plan: ServicePlan): Promise<{ port: number | null, url: string | null }> {
  const { reuseKey, identityKey, port, holderKey } = plan
  const live = reuseKey === null ? [] : await findLiveRivals(db, { reuseKey, identityKey })
  const running = live.find(row => row.reuse_key === reuseKey)
  if (running !== undefined) return { port: running.port, url: running.url }
  if (port.type === 'fixed') return addressOf(plan, port.value)
  return port.type === 'auto' && reuseKey !== null ? addressOf(plan, await ports.reserve(holderKey)) : { port: null, url: null }
}
