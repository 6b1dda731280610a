/** The name of an archive tells whose it was and when it was made. */
import t from 'tap'
import { readStrayArchive, strayArchiveName, strayName } from '../../../services/archive/stray-names.ts'

const projectId = '22222222-2222-4222-8222-222222222222'
const taken = '20260102T030405006Z'

t.test('what is written is read back', t => {
  for (const [project, expected] of [[projectId, projectId], ['nobody', null], [projectId.toUpperCase().replace('2', 'A'), null]] as const) {
    const name = `${strayArchiveName('/data', `/data/worktrees/${project}/fix/a`)}-${taken}`
    t.same(readStrayArchive(name), { name, projectId: expected, storedAt: new Date('2026-01-02T03:04:05.006Z') })
  }
  t.not(strayName('/data/a'), strayName('/data/b'))
  t.end()
})

t.test('other names are nobody\'s', t => {
  for (const name of [`${projectId}-${taken}`, 'stray-', `stray-0123456789abcdef-${taken.replace('20260102', '20261302')}`, `stray-0123456789abcdef-${taken}-x`]) t.equal(readStrayArchive(name), null, name)
  t.end()
})
