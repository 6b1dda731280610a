/** What was asked to run: the wanted state of a workspace and of each of its services. Pure. */

export type DesiredState = 'running' | 'stopped'

export interface DesiredStates {
  desiredState: DesiredState | null
  /** By service index, as text. */
  serviceStates: Record<string, DesiredState> | null
}

/**
 * The states after a request: the services named (by index) take `wanted`, the others keep theirs, and the
 * workspace is wanted running while one of its services is.
 */
export function withDesired (before: DesiredStates, { wanted, indexes, serviceCount }: { wanted: DesiredState, indexes: readonly number[], serviceCount: number }): DesiredStates {
  const serviceStates: Record<string, DesiredState> = {}
  for (let index = 0; index < serviceCount; index++) serviceStates[index] = desiredOf(before, index)
  for (const index of indexes) serviceStates[index] = wanted
  const anyRunning = Object.values(serviceStates).includes('running')
  return { desiredState: anyRunning ? 'running' : 'stopped', serviceStates }
}

/** What one service should be: its own state, else the workspace's, else stopped. */
export function desiredOf ({ desiredState, serviceStates }: DesiredStates, index: number): DesiredState {
  return serviceStates?.[index] ?? desiredState ?? 'stopped'
}

/** The indexes of the services that should run. */
export function desiredRunning (states: DesiredStates, serviceCount: number): number[] {
  return Array.from({ length: serviceCount }, (_, index) => index).filter(index => desiredOf(states, index) === 'running')
}
