/** Watching the health of a service that is ready: its probe goes on, and several failures in a row make it unhealthy. */
import type { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import type { Launch } from '../process/launch.ts'
import { createProbe, type Probe } from './probe.ts'

export interface HealthPlan {
  probe: Probe
  /** From the end of one look to the next. */
  intervalMs: number
  /** So many failed looks in a row make it unhealthy; one good look makes it healthy again. */
  failureThreshold: number
}

export interface HealthState {
  healthy: boolean
  failuresInARow: number
}

export interface HealthWatch {
  /** Stops looking, and waits for what a look under way has to end. */
  close (): Promise<void>
}

export interface HealthEvents {
  /** After a look that changed the state, and after every one that finds it unhealthy still. `seen` says in words what the look saw. */
  onLook: (state: HealthState, seen: string) => void
  /** From 0 to 1; spreads the looks at many services that became ready together. */
  random: () => number
  /** What a probe's command is begun by; this process itself unless given. */
  launch?: Launch | undefined
}

const defaultIntervalSec = 10
const defaultThreshold = 3

/** How the health of an entry is watched; null where there is nothing to ask: no probe, or a line of the log that was printed once. */
export function healthPlanOf ({ health }: Pick<CommandEntry, 'health'>, probe: Probe | null): HealthPlan | null {
  if (probe === null || probe.type === 'log') return null
  return { probe, intervalMs: (health?.intervalSec ?? defaultIntervalSec) * 1000, failureThreshold: health?.failureThreshold ?? defaultThreshold }
}

/** The state after one more look. Pure. */
export function nextHealth ({ healthy, failuresInARow }: HealthState, ok: boolean, failureThreshold: number): HealthState {
  if (ok) return { healthy: true, failuresInARow: 0 }
  const failures = failuresInARow + 1
  return { healthy: healthy && failures < failureThreshold, failuresInARow: failures }
}

/** Looks again and again until closed. The service is taken to be healthy at first: it has just become ready. */
export function watchHealth ({ probe: definition, intervalMs, failureThreshold }: HealthPlan, { onLook, random, launch }: HealthEvents): HealthWatch {
  const probe = createProbe(definition, launch)
  const closed = new AbortController()
  let state: HealthState = { healthy: true, failuresInARow: 0 }
  let looking: Promise<void> = Promise.resolve()
  let timer = plan(intervalMs * (0.5 + random() / 2))

  function plan (ms: number): NodeJS.Timeout {
    return setTimeout(() => { looking = look() }, ms).unref()
  }

  async function look (): Promise<void> {
    const { ok, seen } = await probe.look(closed.signal)
    if (closed.signal.aborted) return
    const before = state
    state = nextHealth(before, ok, failureThreshold)
    if (state.healthy !== before.healthy || !state.healthy) onLook(state, seen)
    timer = plan(intervalMs)
  }

  return {
    async close () {
      clearTimeout(timer)
      closed.abort()
      await looking
      await probe.close()
    }
  }
}
