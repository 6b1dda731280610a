import t from 'tap'
import { StopIncomplete } from '../../../services/errors.ts'
import type { StopReport } from '../../../services/runtime/service-stop.ts'
import { failedStopMetadata, stopMetadata } from '../../../services/runtime/stop-metadata.ts'

const stopped = (serviceName: string, portFree: boolean | null): StopReport => ({ runtimeServiceId: serviceName, serviceName, kept: false, membersBefore: [1, 2], survivors: [], forced: false, portFree, durationMs: 5 })

t.test('the proof is told over all services and for each', async t => {
  t.same(stopMetadata([stopped('a', true), stopped('b', null)]), {
    runtimeServiceCount: 2,
    stop: {
      membersBefore: [1, 2, 1, 2],
      survivors: [],
      portFree: true,
      services: ['a', 'b'].map((serviceName, index) => ({ runtimeServiceId: serviceName, serviceName, membersBefore: [1, 2], survivors: [], forced: false, portFree: index === 0 ? true : null, durationMs: 5 }))
    }
  })
  t.match(stopMetadata([stopped('a', true), stopped('b', false)]), { stop: { portFree: false } })
})

t.test('what goes on for others is no stop', async t => {
  const metadata = stopMetadata([{ runtimeServiceId: 'a', serviceName: 'a', kept: true, usedBy: [{ id: 'w', name: 'Other' }] }])
  t.same(metadata, { runtimeServiceCount: 0, stop: { membersBefore: [], survivors: [], portFree: true, services: [] }, kept: [{ runtimeServiceId: 'a', serviceName: 'a', usedBy: [{ id: 'w', name: 'Other' }] }] })
})

t.test('of a stop that failed its proof is kept', async t => {
  t.same(failedStopMetadata(new StopIncomplete('It lives.', { members: { proof: { survivors: [1] } } })), { code: 'stop_incomplete', stop: { survivors: [1] } })
  t.same(failedStopMetadata(new Error('the database is away')), {})
})
