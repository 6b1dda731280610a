/** How things are timed: medians of repeated runs, throughput by autocannon. */
import autocannon from 'autocannon'

/** Median of the values; NaN for none. */
export function median (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** Milliseconds one run of the action takes. */
export async function timeMs (action: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await action()
  return performance.now() - started
}

/** Runs two actions in turn, so that a noisy neighbour hits both alike; gives the medians in milliseconds. */
export async function pairMs (rounds: number, ours: (round: number) => Promise<number>, floor: (round: number) => Promise<number>): Promise<{ oursMs: number, floorMs: number }> {
  const a: number[] = []
  const b: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    b.push(await floor(round))
    a.push(await ours(round))
  }
  return { oursMs: median(a), floorMs: median(b) }
}

/** Requests per second of one URL over `seconds`, 10 connections; throws when any answer is not 2xx. */
export async function throughput (url: string, seconds: number): Promise<number> {
  const result = await autocannon({ url, connections: 10, duration: seconds })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} answers were not 2xx, ${result.errors} errors`)
  return result.requests.average
}

/** Throughputs of two URLs, measured in turn, best of `rounds` each. */
export async function pairThroughput (rounds: number, seconds: number, ours: string, floor: string): Promise<{ ours: number, floor: number }> {
  let best = { ours: 0, floor: 0 }
  for (let round = 0; round < rounds; round += 1) {
    best = { floor: Math.max(best.floor, await throughput(floor, seconds)), ours: Math.max(best.ours, await throughput(ours, seconds)) }
  }
  return best
}
