import t from 'tap'
import { runtimeConfigProblems } from '../../../services/runtime/config.ts'

const entry = (extra: object) => ({ commands: [{ name: 'web', command: 'serve', ...extra }] })

/** A field, values that are refused, and where below the entry. */
const refused: [string, unknown[], string?][] = [
  ['id', [1, '', null, 'x'.repeat(201)]],
  ['kind', ['daemon', null, 1, 'Service']],
  ['name', ['', 5, null, 'x'.repeat(201)]],
  ['label', ['', []]],
  ['title', ['', {}]],
  ['description', [1, 'x'.repeat(2001)]],
  ['command', [5, ['serve'], 'x'.repeat(20_001)]],
  ['cwd', [true, 'x'.repeat(4097)]],
  ['env', ['A=1', ['A=1'], null, 1]],
  ['port', [0, -1, 70_000, 80.5, '3000', true, []]],
  ['lifecycle', ['permanent', null]],
  ['reuseScope', ['workspace', null]],
  ['expose', ['http://x', null]],
  ['readiness', ['http', null, []]],
  ['stopPolicy', ['manual', null]],
  ['disabledReason', [true, 'x'.repeat(2001)]],
  ['restart', ['always', true, null]],
  ['dependsOn', ['db', { command: 'db' }, null]],
  ['stop', ['SIGTERM', null]],
  ['health', [10, null]],
  ['log', [4096, null]],
  ['limits', [512, null]],
  ['timeoutSec', [0, -1, '5', null, 86_401]],

  ['env', [{ A: [] }, { A: null }, { A: {} }], '/env/A'],
  ['env', [{ 'A=B': '1' }], '/env/A=B'],
  ['env', [{ 'a/b~c': '1' }], '/env/a~1b~0c'],
  ['port', [{ value: 0 }, { value: '80' }, { value: 70_000 }], '/port/value'],
  ['port', [{ type: 'random' }, { type: null }], '/port/type'],
  ['port', [{ type: 'auto', envKey: 'MY-PORT' }, { type: 'auto', envKey: '' }, { value: 80, envKey: 1 }], '/port/envKey'],
  ['port', [{ type: 'auto', envkey: 'X' }], '/port/envkey'],
  ['expose', [{ type: 1 }], '/expose/type'],
  ['expose', [{ urlTemplate: '' }, { urlTemplate: 1 }], '/expose/urlTemplate'],
  ['readiness', [{}, { type: 'grpc' }, { type: null }], '/readiness/type'],
  ['readiness', [{ type: 'http', urlTemplate: '' }, { type: 'http', urlTemplate: 80 }], '/readiness/urlTemplate'],
  ['readiness', [{ type: 'http', url: 80 }], '/readiness/url'],
  ['readiness', [{ type: 'log', pattern: '' }, { type: 'log', pattern: ['ready'] }, { type: 'log', pattern: 'x'.repeat(1001) }], '/readiness/pattern'],
  ['readiness', [{ type: 'command', command: '' }, { type: 'command', command: ['curl'] }], '/readiness/command'],
  ['readiness', [{ type: 'tcp', timeoutSec: 0 }, { type: 'tcp', timeoutSec: '30' }, { type: 'tcp', timeoutSec: 86_401 }], '/readiness/timeoutSec'],
  ['readiness', [{ type: 'tcp', intervalMs: 0 }, { type: 'tcp', intervalMs: 1.5 }, { type: 'tcp', intervalMs: 60_001 }], '/readiness/intervalMs'],
  ['readiness', [{ type: 'tcp', timeout: 5 }], '/readiness/timeout'],
  ['stopPolicy', [{}, { type: 'never' }], '/stopPolicy/type'],
  ['stopPolicy', [{ type: 'idle_timeout', idleSeconds: 0 }, { type: 'idle_timeout', idleSeconds: '60' }, { type: 'idle_timeout', idleSeconds: 2_592_001 }], '/stopPolicy/idleSeconds'],
  ['stopPolicy', [{ type: 'idle_timeout', idleSec: 60 }], '/stopPolicy/idleSec'],
  ['restart', [{}, { policy: 'sometimes' }, { policy: null }, { policy: true }], '/restart/policy'],
  ['restart', [{ policy: 'always', maxRetries: -1 }, { policy: 'always', maxRetries: 1.5 }, { policy: 'always', maxRetries: '3' }, { policy: 'always', maxRetries: 1001 }], '/restart/maxRetries'],
  ['restart', [{ policy: 'always', backoffMs: 0 }, { policy: 'always', backoffMs: null }, { policy: 'always', backoffMs: 3_600_001 }], '/restart/backoffMs'],
  ['restart', [{ policy: 'always', retries: 3 }], '/restart/retries'],
  ['dependsOn', [['db'], [null]], '/dependsOn/0'],
  ['dependsOn', [[{}], [{ command: '' }], [{ command: 1 }]], '/dependsOn/0/command'],
  ['dependsOn', [[{ command: 'db', condition: 'ready' }], [{ command: 'db', condition: null }]], '/dependsOn/0/condition'],
  ['dependsOn', [[{ command: 'db', when: 'healthy' }]], '/dependsOn/0/when'],
  ['stop', [{ signal: 'SIGNOPE' }, { signal: 'TERM' }, { signal: 15 }], '/stop/signal'],
  ['stop', [{ graceSec: -1 }, { graceSec: '5' }, { graceSec: null }, { graceSec: 86_401 }], '/stop/graceSec'],
  ['stop', [{ graceMs: 500 }], '/stop/graceMs'],
  ['health', [{ intervalSec: 0 }, { intervalSec: '10' }, { intervalSec: 86_401 }], '/health/intervalSec'],
  ['health', [{ failureThreshold: 0 }, { failureThreshold: 2.5 }, { failureThreshold: 1001 }], '/health/failureThreshold'],
  ['health', [{ threshold: 3 }], '/health/threshold'],
  ['log', [{ maxBytes: 4095 }, { maxBytes: '1MB' }, { maxBytes: 10_737_418_241 }], '/log/maxBytes'],
  ['log', [{ maxMegabytes: 1 }], '/log/maxMegabytes'],
  ['limits', [{ memoryBytes: 1 }, { memoryBytes: '1g' }, { memoryBytes: 1e300 }, { memoryBytes: 1_048_576.5 }], '/limits/memoryBytes'],
  ['limits', [{ maxProcesses: 0 }, { maxProcesses: null }, { maxProcesses: 4_194_305 }], '/limits/maxProcesses'],
  ['limits', [{ memory: 1_048_576 }], '/limits/memory']
]
for (const [field, values, place = `/${field}`] of refused) {
  t.test(`${place} is told where it is wrong, and only there`, async t => {
    for (const value of values) {
      const problems = runtimeConfigProblems(entry({ [field]: value }), '/p')
      t.same(problems.map(({ pointer }) => pointer), [`/p/commands/0${place}`], JSON.stringify(value)?.slice(0, 80))
      t.ok(problems.every(({ message }) => message.length > 3), 'in words')
    }
  })
}

/** The outermost values that are still right. */
const accepted: [string, unknown[]][] = [
  ['env', [{ A: 'x', B: 1, C: true }, {}]],
  ['port', [1, 65_535, null, { value: 65_535, envKey: '_P' }, { type: 'fixed', value: 1 }, { type: 'auto' }]],
  ['stopPolicy', [{ type: 'manual' }, { type: 'idle_timeout' }, { type: 'idle_timeout', idleSeconds: 2_592_000 }]],
  ['restart', [{ policy: 'never' }, { policy: 'always', maxRetries: 0 }, { policy: 'on_failure', maxRetries: null, backoffMs: 1 }]],
  ['stop', [{}, { graceSec: 0 }, { signal: 'SIGINT', graceSec: 0.5 }]],
  ['log', [{}, { maxBytes: 4096 }]],
  ['limits', [{}, { memoryBytes: 1_048_576, maxProcesses: 1 }, { maxProcesses: 4_194_304 }]],
  ['expose', [{ type: 'url', urlTemplate: 'postgres://127.0.0.1', another: 1 }]],
  ['disabledReason', [null, '', 'not now']],
  ['unknownToUs', [{ deep: [1] }, null]]
]
for (const [field, values] of accepted) {
  t.test(`${field} takes what is right`, async t => {
    for (const value of values) t.same(runtimeConfigProblems(entry({ [field]: value }), '/p'), [], JSON.stringify(value))
  })
}

t.test('a misspelt field is told what there is', async t => {
  const [problem] = runtimeConfigProblems(entry({ stop: { graceMs: 500 } }), '')
  t.same(problem, { pointer: '/commands/0/stop/graceMs', message: 'is not a field here; there are signal, graceSec' })
})

t.test('every wrong place is told, each once', async t => {
  const problems = runtimeConfigProblems({ commands: [{ command: 1, port: { type: 'x', value: 0 } }, { command: 'x', port: 'auto' }], jobs: {} }, '/p')
  t.same(problems.map(({ pointer }) => pointer).sort(), ['/p/commands/0/command', '/p/commands/0/port/type', '/p/commands/0/port/value', '/p/commands/1/port', '/p/jobs'])
})
