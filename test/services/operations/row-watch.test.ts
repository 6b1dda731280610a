import t from 'tap'
import { createRowWatch } from '../../../services/operations/row-watch.ts'
import { eventually } from '../../fixtures/eventually.ts'

/** A watch on rows that are a map here; counts the queries. */
function watchOf (rows: Map<string, string>, everyMs = 1) {
  const asked: string[][] = []
  const failures: unknown[] = []
  let broken = false
  const watch = createRowWatch<string>({
    async read (ids) {
      asked.push(ids)
      if (broken) throw new Error('no database')
      return new Map([...rows].filter(([id]) => ids.includes(id)))
    },
    isSame: (a, b) => a === b,
    everyMs,
    onFailure: error => failures.push(error)
  })
  return { watch, asked, failures, breakIt: (now: boolean) => { broken = now } }
}

t.test('a follower is told when its row has changed, and when it is gone', async t => {
  const rows = new Map([['a', 'running'], ['b', 'running']])
  const { watch } = watchOf(rows)
  let told = 0
  const a = watch.follow('a', 'running', () => { told++ })
  const b = watch.follow('b', 'running', () => t.fail('nothing happened to this one'))
  rows.set('a', 'ended')
  await eventually(() => a.state === 'ended', 'the change')
  rows.delete('a')
  await eventually(() => a.state === null, 'the removal')
  t.equal(told, 2)
  t.equal(b.state, 'running')
  a.release()
  b.release()
})

t.test('any number of followers costs one query at a time, and none are made when nobody follows', async t => {
  const rows = new Map(Array.from({ length: 100 }, (_, at) => [String(at), 'running']))
  const { watch, asked } = watchOf(rows)
  const followers = [...rows.keys()].flatMap(id => [watch.follow(id, 'running', () => {}), watch.follow(id, 'running', () => {})])
  await eventually(() => asked.length >= 2, 'two looks')
  t.ok(asked.every(ids => ids.length === 100), 'each id once')
  for (const follower of followers) follower.release()
  for (const follower of followers) follower.release()
  t.equal(watch.rows, 0)
  const count = asked.length
  await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(asked.length, count)
})

t.test('a look that is asked for sees what happened before it', async () => {
  const rows = new Map([['a', 'running']])
  const { watch } = watchOf(rows, 1_000_000)
  const a = watch.follow('a', 'running', () => {})
  watch.look()
  rows.set('a', 'ended')
  watch.look()
  await eventually(() => a.state === 'ended', 'the change')
  a.release()
})

t.test('who comes later brings what it has just read, for all', async t => {
  const { watch } = watchOf(new Map([['a', 'ended']]), 1_000_000)
  let told = 0
  const first = watch.follow('a', 'running', () => { told++ })
  const second = watch.follow('a', 'ended', () => {})
  t.equal(first.state, 'ended')
  t.equal(told, 1)
  first.release()
  second.release()
})

t.test('a database that fails for a while is reported once and asked again', async t => {
  const rows = new Map([['a', 'running']])
  const { watch, asked, failures, breakIt } = watchOf(rows)
  const a = watch.follow('a', 'running', () => {})
  breakIt(true)
  await eventually(() => failures.length > 0, 'a failure')
  const count = asked.length
  await eventually(() => asked.length > count + 2, 'more looks')
  breakIt(false)
  rows.set('a', 'ended')
  await eventually(() => a.state === 'ended', 'the change')
  t.equal(failures.length, 1)
  a.release()
})
