/** Counting words. */
import t from 'tap'
import { counted, listed, numbered } from '../../../services/archive/words.ts'

t.test('one is singular, everything else plural', async t => {
  t.equal(counted(0, 'file'), '0 files')
  t.equal(counted(1, 'file'), '1 file')
  t.equal(counted(2, 'entry', 'entries'), '2 entries')
  t.equal(numbered(1, 'it', 'them'), 'it')
  t.equal(numbered(3, 'it', 'them'), 'them')
})

t.test('a list reads like one and stays short', async t => {
  t.equal(listed([]), '')
  t.equal(listed(['a']), 'a')
  t.equal(listed(['a', 'b']), 'a and b')
  t.equal(listed(['a', 'b', 'c']), 'a, b and c')
  t.equal(listed(['a', 'b', 'c', 'd'], 2), 'a, b and 2 more')
})
