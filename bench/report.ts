/** The table of results: printed, and kept in RESULTS.md with its date. */
import { writeFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'

export interface Result {
  what: string
  /** With its unit. */
  ours: string
  floorIs: string
  floor: string
  /** A ratio to the floor, or the milliseconds over it. */
  compared: string
  aim: string
  met: boolean | null
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ms`

/** A rate: more is better; met when ours / floor is at least `atLeast`. */
export function rate (what: string, floorIs: string, measured: { ours: number, floor: number }, atLeast: number | null): Result {
  const ratio = measured.ours / measured.floor
  return { what, ours: `${Math.round(measured.ours)}/s`, floorIs, floor: `${Math.round(measured.floor)}/s`, compared: `${ratio.toFixed(2)} ×`, aim: atLeast === null ? '' : `≥ ${atLeast} ×`, met: atLeast === null ? null : ratio >= atLeast }
}

/** A time over a floor; met when the difference is at most `overMs`. */
export function over (what: string, floorIs: string, measured: { oursMs: number, floorMs: number }, overMs: number | null): Result {
  const difference = measured.oursMs - measured.floorMs
  return { what, ours: ms(measured.oursMs), floorIs, floor: ms(measured.floorMs), compared: `${difference >= 0 ? '+' : '−'}${ms(Math.abs(difference))}`, aim: overMs === null ? '' : `≤ +${overMs} ms`, met: overMs === null ? null : difference <= overMs }
}

/** A time as a multiple of a floor; met when it is at most `times` of it. */
export function multiple (what: string, floorIs: string, measured: { oursMs: number, floorMs: number }, times: number | null): Result {
  const ratio = measured.oursMs / measured.floorMs
  return { what, ours: ms(measured.oursMs), floorIs, floor: ms(measured.floorMs), compared: `${ratio.toFixed(2)} ×`, aim: times === null ? '' : `≤ ${times} ×`, met: times === null ? null : ratio <= times }
}

/** The results as a Markdown table. */
export function table (results: readonly Result[]): string {
  const rows = results.map(result => `| ${result.what} | ${result.ours} | ${result.floorIs} | ${result.floor} | ${result.compared} | ${result.aim} | ${result.met === null ? '' : result.met ? 'yes' : 'no'} |`)
  return ['| what | ours | floor | floor takes | compared | aim | met |', '|---|---|---|---|---|---|---|', ...rows].join('\n')
}

/** Writes RESULTS.md beside this file. */
export async function keep (results: readonly Result[], databaseVersion: string): Promise<void> {
  const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release().split('-')[0]}, Node ${process.version}, ${databaseVersion}`
  const text = `# Benchmark results

Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)} (${machine}). Every figure stands beside
a floor measured in the same run; the machine is shared and noisy, so read the comparison, not the figure.

${table(results)}
`
  await writeFile(new URL('RESULTS.md', import.meta.url), text)
}
