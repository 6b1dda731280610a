/** What a row remembers of its rescue. */
import t from 'tap'
import { createRescueState, readRescue, writeRescue } from '../../../services/archive/rescue-record.ts'
import { makeHarbour } from '../../fixtures/archive.ts'
import { openTestDatabase } from '../../fixtures/database.ts'

const snapshot = {
  workspaceId: 'a',
  ref: 'refs/berth/rescue/a',
  headSha: null,
  branch: null,
  indexCommit: '1',
  worktreeCommit: '2',
  untrackedCommit: '3',
  fingerprint: 'f',
  takenAt: '2026-01-01T00:00:00.000Z',
  counts: { staged: 0, modified: 0, deleted: 0, untracked: 1, ignored: 0, conflicted: 0 },
  files: [{ path: 'x', status: 'untracked' as const }],
  fileCount: 1,
  warnings: []
}

t.test('a row that was never archived remembers nothing', async t => {
  t.match(readRescue({ rescue: null }), { snapshot: null, aside: null, deleting: false, restoringFrom: null, earlierRefs: [] })
})

t.test('what is written is read again, and the ref stands by itself', async t => {
  const record = { ...readRescue({ rescue: null }), snapshot, aside: '/a/b', deleting: true }
  const stored: Record<string, unknown> = JSON.parse(writeRescue(record))
  const before = readRescue({ rescue: JSON.parse(writeRescue({ ...record, snapshot: null })) })
  t.equal((JSON.parse(writeRescue({ ...before, snapshot: record.snapshot })) as { ref: string }).ref, record.snapshot?.ref, 'the ref goes with the snapshot')
  t.equal(stored['ref'], snapshot.ref)
  t.match(readRescue({ rescue: stored }), record)
})

t.test('a record this service did not write is refused, not guessed at', async t => {
  t.throws(() => readRescue({ rescue: { aside: 7 } }), TypeError)
  t.throws(() => readRescue({ rescue: { snapshot: { ref: 'x' } } }), TypeError)
})

t.test('each change is stored before the next step, and is no new version for clients', async t => {
  const { db } = await openTestDatabase(t, 'pglite')
  const { addRow, read } = await makeHarbour(t, { db })
  const id = await addRow({})
  const state = createRescueState(db, await read(id))
  await state.set({ aside: '/somewhere' })
  t.equal(state.record.aside, '/somewhere')
  const row = await read(id)
  t.equal(readRescue(row).aside, '/somewhere')
  t.equal(row.version, 1)
})
