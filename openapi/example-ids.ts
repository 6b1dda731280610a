/** The fixed ids of the examples: run the operations in order and each finds what the one before made. */

export const exampleIds = {
  company: '11111111-1111-4111-8111-111111111111',
  project: '22222222-2222-4222-8222-222222222222',
  projectWorkspace: '33333333-3333-4333-8333-333333333333',
  issue: '44444444-4444-4444-8444-444444444444',
  agent: '55555555-5555-4555-8555-555555555555',
  // The service makes these three; Swagger UI puts the last ones it saw in their place.
  workspace: '66666666-6666-4666-8666-666666666666',
  operation: '77777777-7777-4777-8777-777777777777',
  runtimeService: '88888888-8888-4888-8888-888888888888',
  run: '99999999-9999-4999-8999-999999999999',
  host: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  activity: 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb',
  lease: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc',
  adapterService: 'dddddddd-dddd-4ddd-8ddd-dddddddddddd',
  // The service makes these three as well.
  webhook: 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee',
  webhookDelivery: 'ffffffff-ffff-4fff-8fff-ffffffffffff',
  apiKey: '12121212-1212-4212-8212-121212121212'
} as const

const byName: Record<string, string> = {
  companyId: exampleIds.company,
  projectId: exampleIds.project,
  projectWorkspaceId: exampleIds.projectWorkspace,
  issueId: exampleIds.issue,
  agentId: exampleIds.agent,
  runId: exampleIds.run,
  webhookId: exampleIds.webhook,
  deliveryId: exampleIds.webhookDelivery,
  keyId: exampleIds.apiKey
}

const byResource: Record<string, string> = {
  'execution-workspaces': exampleIds.workspace,
  'workspace-operations': exampleIds.operation,
  'runtime-services': exampleIds.runtimeService
}

/**
 * The example of a path parameter.
 * @param path the path template, such as `/api/execution-workspaces/{id}`
 * @param name the parameter's name; a plain `id` belongs to the segment before it
 */
export function pathExample (path: string, name: string): string | undefined {
  if (name === 'action') return 'start'
  if (name === 'path') return 'notes.txt'
  if (name !== 'id') return byName[name]
  const segments = path.split('/')
  return byResource[segments[segments.indexOf('{id}') - 1] ?? '']
}
