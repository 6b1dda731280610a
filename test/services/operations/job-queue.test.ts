import t from 'tap'
import { createJobQueue, type JobPlace, type JobQueue } from '../../../services/operations/job-queue.ts'

/** Joins jobs named like `a1` (the first of group a), all ready unless said otherwise. */
function joined (queue: JobQueue, names: readonly string[], { ready = true } = {}): Map<string, JobPlace> {
  return new Map(names.map(name => {
    const place = queue.join(name.slice(0, 1))
    place.name(name)
    if (ready) place.ready().catch(() => {})
    return [name, place]
  }))
}

const granted = (places: Map<string, JobPlace>) => [...places].filter(([, place]) => place.granted).map(([name]) => name)

/** The order in which all get their turn, when the one that was granted first leaves first. */
function order (places: Map<string, JobPlace>): string[] {
  const left = new Map(places)
  const turns: string[] = []
  while (left.size > 0) {
    turns.push(...granted(left).filter(name => !turns.includes(name)))
    const next = turns.find(name => left.has(name))
    if (next === undefined) throw new Error(`nobody has a turn of ${[...left.keys()].join(', ')}`)
    left.get(next)?.leave()
    left.delete(next)
  }
  return turns
}

t.test('whose turn it is', async t => {
  for (const [what, slots, names, expected] of [
    ['one workspace: in order', 1, ['a1', 'a2', 'a3'], ['a1', 'a2', 'a3']],
    ['two workspaces: in turn, who comes new at the end of the round', 1, ['a1', 'a2', 'a3', 'b1', 'b2'], ['a1', 'a2', 'b1', 'a3', 'b2']],
    ['a later workspace does not wait for all of an earlier one', 1, ['a1', 'a2', 'a3', 'a4', 'b1', 'c1'], ['a1', 'a2', 'b1', 'c1', 'a3', 'a4']],
    ['several slots', 2, ['a1', 'a2', 'a3', 'b1', 'b2'], ['a1', 'a2', 'a3', 'b1', 'b2']],
    ['more slots than jobs', 5, ['a1', 'b1', 'a2'], ['a1', 'b1', 'a2']]
  ] as const) {
    t.same(order(joined(createJobQueue({ slots }), names)), expected, what)
  }
})

t.test('never more at once than there are slots', async t => {
  const queue = createJobQueue({ slots: 2 })
  const places = joined(queue, ['a1', 'b1', 'a2', 'c1'])
  t.same(granted(places), ['a1', 'b1'])
  places.get('a1')?.leave()
  places.get('a1')?.leave()
  t.same(granted(places), ['a1', 'b1', 'a2'], 'leaving twice frees one slot')
})

t.test('each knows its place, and moves up', async t => {
  const queue = createJobQueue({ slots: 1 })
  const places = joined(queue, ['a1', 'a2', 'a3', 'b1'])
  const positions = () => ['a1', 'a2', 'a3', 'b1'].map(name => queue.positionOf(name))
  t.same(positions(), [null, 1, 3, 2])
  places.get('a2')?.leave()
  t.same(positions(), [null, null, 1, 2], 'one gave up')
  places.get('a1')?.leave()
  t.same(positions(), [null, null, null, 1])
  t.equal(queue.positionOf('unknown'), null)
})

t.test('one that is not ready lets other groups go first, and keeps its place in its own', async t => {
  const queue = createJobQueue({ slots: 1 })
  const early = joined(queue, ['a1', 'a2'], { ready: false })
  const late = joined(queue, ['b1', 'a3'])
  t.same(granted(late), ['b1'])
  t.equal(queue.positionOf('a1'), 1)
  late.get('b1')?.leave()
  early.get('a2')?.ready().catch(() => {})
  t.same([...granted(early), ...granted(late)], ['b1'], 'those of its group wait: who asked first is first')
  early.get('a1')?.ready().catch(() => {})
  t.same(granted(early), ['a1'])
})

t.test('one that has stepped aside is passed by those behind it, and goes first again once it is ready', async t => {
  const queue = createJobQueue({ slots: 1 })
  const early = joined(queue, ['a1', 'a2'], { ready: false })
  const late = joined(queue, ['a3', 'a4'])
  early.get('a1')?.stepAside()
  t.same(granted(late), [])
  early.get('a2')?.leave()
  t.same(granted(late), ['a3'])
  early.get('a1')?.ready().catch(() => {})
  late.get('a3')?.leave()
  t.same([...granted(early), ...granted(late)], ['a1', 'a3'])
})

t.test('whether it goes at once is known when it joins', async t => {
  const queue = createJobQueue({ slots: 2 })
  const places = joined(queue, ['a1', 'b1', 'a2'], { ready: false })
  t.same([...places.values()].map(place => place.goesAtOnce), [true, true, false])
})

t.test('a long line of many workspaces costs little: to join, to ask for all places, to leave', t => {
  const queue = createJobQueue({ slots: 1 })
  const places: JobPlace[] = []
  const begun = performance.now()
  const groups = 3_000
  for (let index = 0; index < 2 * groups; index++) {
    const place = queue.join(`group ${index % groups}`)
    place.name(String(index))
    place.ready().catch(() => {})
    places.push(place)
  }
  // The first one runs; its group's other one is next, then the others in turn.
  const found = places.map((_, index) => queue.positionOf(String(index)))
  t.same([0, groups, 1, groups - 1, groups + 1, 2 * groups - 1].map(index => found[index]), [null, 1, 2, groups, groups + 1, 2 * groups - 1])
  for (const place of places) place.leave()
  t.equal(queue.positionOf('1'), null)
  // Seconds where each place was looked for in the whole line.
  t.ok(performance.now() - begun < 20_000)
  t.end()
})
