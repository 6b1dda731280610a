/** How the streams look. */
import { createdAt, operation, operationEvent, runtimeService } from './example-records.ts'

/** A stream of server-sent events as it goes over the wire. */
function events (...list: { id: string, event: string, data: unknown }[]): string {
  return list.map(({ id, event, data }) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join('')
}

/** By what is followed. */
export const streamExamples = {
  operationLog: events(
    { id: '78', event: 'log', data: { offset: 0, nextOffset: 78, lines: [{ ts: createdAt, stream: 'system', chunk: 'web is ready\n' }] } },
    { id: 'end', event: 'end', data: operation }
  ),
  serviceLog: events(
    { id: '1:2', event: 'log', data: { attempt: 1, offset: 0, nextOffset: 2, content: '/\n' } },
    { id: '2:0', event: 'attempt', data: { attempt: 2 } },
    { id: 'end', event: 'end', data: { ...runtimeService, status: 'stopped', attempt: 2 } }
  ),
  companyEvents: events(
    { id: '4711-0', event: 'position', data: {} },
    { id: operationEvent.id, event: operationEvent.type, data: operationEvent }
  )
}
