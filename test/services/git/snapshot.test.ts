/** A snapshot's ref can only be made from a plain word. */
import t from 'tap'
import { rescueRef } from '../../../services/git/snapshot.ts'

t.test('ids become refs, anything else is refused', t => {
  t.equal(rescueRef('0b7cf7f2-7f1d-4c55-9a53-3ab4c9d0d7aa'), 'refs/berth/rescue/0b7cf7f2-7f1d-4c55-9a53-3ab4c9d0d7aa')
  for (const id of ['', '../heads/main', 'a/b', '-x', 'a b', 'a\0', 'x'.repeat(65), 'a.lock']) t.throws(() => rescueRef(id), TypeError, JSON.stringify(id))
  t.end()
})
