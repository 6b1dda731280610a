import t from 'tap'
import { desiredRunning, withDesired, type DesiredStates } from '../../../services/runtime/desired-state.ts'

const nothing: DesiredStates = { desiredState: null, serviceStates: null }
const bothRun: DesiredStates = { desiredState: 'running', serviceStates: { 0: 'running', 1: 'running' } }

const changes: [string, DesiredStates, Parameters<typeof withDesired>[1], DesiredStates][] = [
  ['starting all remembers all', nothing, { wanted: 'running', indexes: [0, 1], serviceCount: 2 }, bothRun],
  ['starting one leaves the others stopped', nothing, { wanted: 'running', indexes: [1], serviceCount: 2 }, { desiredState: 'running', serviceStates: { 0: 'stopped', 1: 'running' } }],
  ['stopping one leaves the others running', bothRun, { wanted: 'stopped', indexes: [0], serviceCount: 2 }, { desiredState: 'running', serviceStates: { 0: 'stopped', 1: 'running' } }],
  ['stopping the last one stops the workspace', { desiredState: 'running', serviceStates: { 0: 'running', 1: 'stopped' } }, { wanted: 'stopped', indexes: [0], serviceCount: 2 }, { desiredState: 'stopped', serviceStates: { 0: 'stopped', 1: 'stopped' } }],
  ['services that are configured no more are forgotten', bothRun, { wanted: 'running', indexes: [0], serviceCount: 1 }, { desiredState: 'running', serviceStates: { 0: 'running' } }],
  ['a wanted state of the whole workspace holds for a service without one', { desiredState: 'running', serviceStates: null }, { wanted: 'stopped', indexes: [1], serviceCount: 2 }, { desiredState: 'running', serviceStates: { 0: 'running', 1: 'stopped' } }]
]
for (const [title, before, change, expected] of changes) {
  t.test(title, async t => t.same(withDesired(before, change), expected))
}

t.test('what should run is said by index, else by the workspace, else stopped', async t => {
  t.same(desiredRunning({ desiredState: 'running', serviceStates: { 1: 'stopped' } }, 3), [0, 2])
  t.same(desiredRunning(nothing, 2), [])
  t.same(desiredRunning(bothRun, 0), [])
})
