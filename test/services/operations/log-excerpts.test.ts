import t from 'tap'
import { excerptsOf } from '../../../services/operations/log-excerpts.ts'

const line = (stream: string, chunk: string): string => `${JSON.stringify({ ts: '2026-01-01T00:00:00.000Z', stream, chunk })}\n`

t.test('the ends of both streams are read back, the service\'s own lines left out', async t => {
  const content = line('stdout', 'a'.repeat(5000)) + line('system', 'noise') + line('stderr', 'oh') + line('stdout', 'end') + line('stderr', ' no')
  const { stdout, stderr } = excerptsOf(content)
  t.equal(stdout, `${'a'.repeat(4093)}end`)
  t.equal(stderr, 'oh no')
})

t.test('lines that are torn or foreign are passed over', async t => {
  t.same(excerptsOf(`torn","chunk":"x"}\n${line('other', 'x')}[1]\n${line('stdout', 'kept')}`), { stdout: 'kept', stderr: null })
  t.same(excerptsOf(''), { stdout: null, stderr: null })
})
