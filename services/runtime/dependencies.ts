/** What commands wait for: checks `dependsOn` and puts services in an order in which each comes after what it needs. Pure. */
import type { InvalidPlace } from '../errors.ts'
import { findCommand, type WorkspaceCommand } from './commands.ts'

/** Unknown, repeated and own names, conditions that can't come true, and cycles, each with its place below `pointerPrefix`. */
export function dependencyProblems (commands: readonly WorkspaceCommand[], pointerPrefix: string): InvalidPlace[] {
  const problems = commands.flatMap(command => ownProblems(commands, command, pointerPrefix))
  return problems.length > 0 ? problems : cycleProblems(commands, pointerPrefix)
}

/**
 * The commands wanted and everything they need, each after what it depends on; otherwise in the given order.
 * Dependencies that name nothing are passed over (they are refused when a config is written).
 */
export function startOrder (commands: readonly WorkspaceCommand[], wanted: readonly WorkspaceCommand[]): WorkspaceCommand[] {
  const ordered = new Set<WorkspaceCommand>()
  const visiting = new Set<WorkspaceCommand>()
  const visit = (command: WorkspaceCommand) => {
    if (ordered.has(command) || visiting.has(command)) return
    visiting.add(command)
    for (const needed of neededBy(commands, command)) visit(needed)
    ordered.add(command)
  }
  wanted.forEach(visit)
  return [...ordered]
}

/** What a command waits for, and how far that has to be. */
export interface Need {
  command: WorkspaceCommand
  /** `started`: its process is there. `healthy`: the service is ready. `completed`: the job has ended with code 0. */
  condition: 'started' | 'healthy' | 'completed'
}

/** What one waits for, in the order it names them; without a condition a service has to be ready and a job to be done. */
export function needsOf (commands: readonly WorkspaceCommand[], { entry }: WorkspaceCommand): Need[] {
  return (entry.dependsOn ?? []).flatMap(({ command: reference, condition }) => {
    const command = findCommand(commands, reference)
    return command === undefined ? [] : [{ command, condition: condition ?? (command.definition.kind === 'job' ? 'completed' : 'healthy') }]
  })
}

/** The commands one waits for, in the order it names them. */
function neededBy (commands: readonly WorkspaceCommand[], command: WorkspaceCommand): WorkspaceCommand[] {
  return needsOf(commands, command).map(need => need.command)
}

function placeOf ({ definition: { source } }: WorkspaceCommand): string {
  return `/${source.key}/${source.index}/dependsOn`
}

function ownProblems (commands: readonly WorkspaceCommand[], command: WorkspaceCommand, pointerPrefix: string): InvalidPlace[] {
  const before = new Set<WorkspaceCommand>()
  return (command.entry.dependsOn ?? []).flatMap(({ command: reference, condition }, index) => {
    const pointer = `${pointerPrefix}${placeOf(command)}/${index}`
    const needed = findCommand(commands, reference)
    if (needed === undefined) return [{ pointer: `${pointer}/command`, message: `names no command of this config: ${reference}` }]
    if (needed === command) return [{ pointer: `${pointer}/command`, message: 'names the command itself' }]
    if (before.has(needed)) return [{ pointer: `${pointer}/command`, message: `names ${needed.definition.name} a second time` }]
    before.add(needed)
    const { kind } = needed.definition
    if (condition === 'completed' && kind === 'service') return [{ pointer: `${pointer}/condition`, message: 'is completed, but a service does not complete' }]
    if (condition === 'healthy' && kind === 'job') return [{ pointer: `${pointer}/condition`, message: 'is healthy, but a job has no health' }]
    return []
  })
}

function cycleProblems (commands: readonly WorkspaceCommand[], pointerPrefix: string): InvalidPlace[] {
  const done = new Set<WorkspaceCommand>()
  const problems: InvalidPlace[] = []
  const walk = (command: WorkspaceCommand, path: readonly WorkspaceCommand[]) => {
    if (done.has(command)) return
    const at = path.indexOf(command)
    if (at >= 0) {
      const names = [...path.slice(at), command].map(({ definition }) => definition.name)
      const last = path.at(-1) ?? command
      problems.push({ pointer: `${pointerPrefix}${placeOf(last)}/${neededBy(commands, last).indexOf(command)}/command`, message: `makes a cycle: ${names.join(' → ')}` })
      return
    }
    for (const needed of neededBy(commands, command)) walk(needed, [...path, command])
    done.add(command)
  }
  for (const command of commands) walk(command, [])
  return problems
}
