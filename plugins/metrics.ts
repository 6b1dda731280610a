/** Counters and gauges in Prometheus' text format; small enough to need no library. */

/** Upper bounds of the latency histogram, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

interface Latency { counts: number[], sum: number, total: number }

export interface Metrics {
  /** Counts one answered request. `route` is the pattern, so that labels stay few. */
  countRequest (method: string, route: string, status: number, seconds: number): void
  /** Counts one write that was refused; `code` is of the catalogue of errors, so that labels stay few. */
  countRefusedWrite (code: string): void
  /** A number that is asked for when metrics are read; the name without the prefix `berth_`. */
  addGauge (name: string, help: string, read: () => number | Promise<number>): void
  /** The text of `/metrics` (version 0.0.4); a gauge that fails is left out. */
  render (): Promise<string>
}

export function createMetrics (): Metrics {
  const requests = new Map<string, number>()
  const latencies = new Map<string, Latency>()
  const refusedWrites = new Map<string, number>()
  const gauges = new Map<string, { help: string, read: () => number | Promise<number> }>()

  return {
    countRequest (method, route, status, seconds) {
      const key = labels({ method, route, status: String(status) })
      requests.set(key, (requests.get(key) ?? 0) + 1)
      observe(latencies, labels({ method, route }), seconds)
    },
    countRefusedWrite (code) {
      const key = labels({ code })
      refusedWrites.set(key, (refusedWrites.get(key) ?? 0) + 1)
    },
    addGauge (name, help, read) {
      gauges.set(name, { help, read })
    },
    async render () {
      const lines = [
        ...family('berth_http_requests_total', 'counter', 'Requests answered.', counterLines(requests)),
        ...family('berth_refused_writes_total', 'counter', 'Requests to change something that were refused, by the code of their problem.', counterLines(refusedWrites)),
        ...family('berth_http_request_duration_seconds', 'histogram', 'Time to answer.', [...latencies].flatMap(histogramLines)),
        ...processLines()
      ]
      for (const [name, { help, read }] of gauges) {
        try {
          lines.push(...family(`berth_${name}`, 'gauge', help, [` ${await read()}`]))
        } catch {
          // A gauge that can't be read must not hide the others; its absence is what a monitor sees.
        }
      }
      return lines.join('\n') + '\n'
    }
  }
}

const counterLines = (counts: ReadonlyMap<string, number>) => [...counts].map(([key, value]) => `{${key}} ${value}`)

function observe (latencies: Map<string, Latency>, key: string, seconds: number): void {
  const latency = latencies.get(key) ?? { counts: bounds.map(() => 0), sum: 0, total: 0 }
  const index = bounds.findIndex(bound => seconds <= bound)
  if (index >= 0) latency.counts[index] = (latency.counts[index] ?? 0) + 1
  latency.sum += seconds
  latency.total += 1
  latencies.set(key, latency)
}

function histogramLines ([key, { counts, sum, total }]: [string, Latency]): string[] {
  let below = 0
  const buckets = counts.map((count, index) => {
    below += count
    return `_bucket{${key},le="${bounds[index]}"} ${below}`
  })
  return [...buckets, `_bucket{${key},le="+Inf"} ${total}`, `_sum{${key}} ${sum}`, `_count{${key}} ${total}`]
}

function processLines (): string[] {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const gauge = (name: string, help: string, value: number) => family(name, 'gauge', help, [` ${value}`])
  return [
    ...family('process_cpu_seconds_total', 'counter', 'CPU time of the process.', [` ${(user + system) / 1e6}`]),
    ...gauge('process_resident_memory_bytes', 'Resident memory.', rss),
    ...gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', Math.round(Date.now() / 1000 - process.uptime())),
    ...gauge('nodejs_heap_used_bytes', 'Used JavaScript heap.', heapUsed)
  ]
}

function family (name: string, type: string, help: string, samples: string[]): string[] {
  return samples.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(sample => name + sample)]
}

/** Label values may hold anything; quotes, backslashes and line ends are escaped. */
function labels (values: Record<string, string>): string {
  return Object.entries(values).map(([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`).join(',')
}
