/** One step of the demo: done, checked and told; and the shapes its answers have. */
import { stat } from 'node:fs/promises'

export interface Workspace { id: string, status: string, branchName: string, providerRef: string, baseSha: string, runtimeServices: Service[] }
export interface Service { id: string, serviceName: string, status: string, url: string, port: number, providerRef: string, restartCount: number, exitReason: string | null, startedAt: string }
export interface Operation { id: string, status: string, exitCode: number | null, metadata: Record<string, unknown> }
export interface StopProof { membersBefore: number[], survivors: number[], portFree: boolean }
export interface Controlled { workspace: Workspace, operation: Operation }

let stepNumber = 0

/** Runs one step and prints what it did, where, and how long it took. */
export async function step<T> (title: string, action: () => Promise<{ value: T, told: string[] }>): Promise<T> {
  const started = performance.now()
  const { value, told } = await action()
  stepNumber += 1
  console.log(`\n${String(stepNumber).padStart(2)}. ${title}  (${Math.round(performance.now() - started)} ms)`)
  for (const line of told) console.log(`    ${line}`)
  return value
}

/** Ends the demo when something is not as it should be. */
export function ensure (condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

/** Whether something is at the path. */
export async function exists (path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false)
}
