/** Waiting until a started service is ready: watched closely at first, given up at once when it dies. */
import { DeadlinePassed, until } from '../process/until.ts'
import type { Launch } from '../process/launch.ts'
import type { ProcessExit } from '../process/spawn.ts'
import { createProbe, type Probe } from './probe.ts'

export type { Probe } from './probe.ts'

export interface ReadinessInput {
  probe: Probe
  /** What a probe's command is begun by; this process itself unless given. */
  launch?: Launch
  /** True when the process listening on the service's port is its own; always true for a service without a port. */
  isOwnListener: () => boolean | Promise<boolean>
  /** Settles when the started process ends. */
  exited: Promise<ProcessExit>
  timeoutMs: number
  /** The longest pause between two looks. */
  intervalMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** Ready, or why not. `lastResult` says in words what the last probe saw. */
export type Readiness =
  | { ready: true, afterMs: number }
  | { ready: false, reason: 'exited' | 'timed_out' | 'foreign_listener' | 'aborted', exit: ProcessExit | null, lastResult: string, afterMs: number }

/** Asking a port that nobody listens on costs next to nothing. */
const firstLookMs = 3
/** Starting a program as often as that would take the machine from the service that boots. */
const firstCommandMs = 50
const longestPauseMs = 250
/** A look that lasted this long and had no answer tells of a server that gives none. */
const tellingLookMs = 100
/** A stranger on the port for this long stays: the service can't get the port any more. */
const foreignListenerMs = 3000

/** Probes until the service is ready, ends, is held up by a stranger on its port, or time is up. Never throws. */
export async function waitUntilReady (input: ReadinessInput): Promise<Readiness> {
  const { exited, timeoutMs, intervalMs = longestPauseMs, signal } = input
  const begun = performance.now()
  const afterMs = () => Math.round(performance.now() - begun)
  // One controller ends the probe and its pauses, whatever comes first.
  const stop = new AbortController()
  const signals = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const watch = createWatch(input, signals)
  let exit: ProcessExit | null = null
  const fail = (reason: Exclude<Readiness, { ready: true }>['reason']): Readiness => ({ ready: false, reason, exit, lastResult: watch.lastResult(), afterMs: afterMs() })
  const ended = exited.then(how => {
    exit = how
    return fail('exited')
  })
  const firstMs = Math.min(input.probe.type === 'command' ? firstCommandMs : firstLookMs, intervalMs)
  const probing = until(watch.look, { firstMs, maxMs: intervalMs, withinMs: timeoutMs, signal: signals })
    .then((seen): Readiness => seen === 'foreign' ? fail('foreign_listener') : { ready: true, afterMs: afterMs() })
    .catch((error: unknown) => {
      if (signals.aborted) return fail('aborted')
      if (error instanceof DeadlinePassed) return fail('timed_out')
      throw error
    })
  try {
    return await Promise.race([ended, probing])
  } finally {
    stop.abort()
    await watch.close()
  }
}

/** The look that is taken again and again: the probe first, then whose listener answered it. */
function createWatch ({ probe: definition, launch, isOwnListener, timeoutMs }: ReadinessInput, signal: AbortSignal) {
  const probe = createProbe(definition, launch)
  // The deadline counts for a probe under way too: a server that accepts and never answers must not hold us.
  const timeUp = new AbortController()
  const timer = setTimeout(() => timeUp.abort(), timeoutMs).unref()
  const limited = AbortSignal.any([signal, timeUp.signal])
  let lastResult: string | null = null
  let foreignSince: number | null = null

  const askOwner = async (): Promise<boolean> => await isOwnListener()

  async function look (): Promise<'ready' | 'foreign' | false> {
    const begun = performance.now()
    // Whose listener it is takes as long to find out as a first answer: both are waited for at once.
    let own: Promise<boolean> | null = null
    const result = await probe.look(limited, () => { own ??= askOwner() })
    // A look that was cut off as soon as it began says less than the one before it.
    const saysLess = limited.aborted && performance.now() - begun < tellingLookMs
    lastResult = saysLess ? lastResult ?? result.seen : result.seen
    if (!result.ok) {
      foreignSince = null
      return false
    }
    if (await (own ?? askOwner())) return 'ready'
    lastResult = `${result.seen}, but the process listening there is not the service's own`
    foreignSince ??= performance.now()
    return performance.now() - foreignSince >= foreignListenerMs ? 'foreign' : false
  }

  async function close (): Promise<void> {
    clearTimeout(timer)
    await probe.close()
  }

  return { look, lastResult: () => lastResult ?? 'not probed yet', close }
}
