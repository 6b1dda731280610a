import t from 'tap'
import { createHostWatch } from '../../../services/operations/host-watch.ts'

const second = 1000

/** Looks at these beats of host h, one look a step of 3 s; gives at which second it was found dead. */
function deaths (beats: readonly string[], { stepMs = 3 * second } = {}): number[] {
  const watch = createHostWatch({ staleMs: 18 * second, maxGapMs: 9 * second })
  return beats.flatMap((beat, look) => watch.observe([{ hostId: 'h', beat }], look * stepMs).map(() => look * stepMs / second))
}

t.test('a host is dead once its beat has not changed for the time', async t => {
  t.same(deaths(Array.from({ length: 20 }, (_, look) => String(look))), [], 'one that beats lives')
  t.same(deaths(['1', '2', '2', '2', '2', '2', '2', '2', '2']), [21, 24], 'from the first look that saw the last beat')
  t.same(deaths(['1', '1', '1', '1', '1', '1', '2', '2', '2', '2', '2', '2']), [], 'one that comes back in time lives')
})

t.test('what the beats say does not matter, only that they change: a clock set back or forward kills nobody', async t => {
  const clock = ['100', '105', '3', '8', '99999', '99994', '1', '2', '3', '4', '5']
  t.same(deaths(clock), [])
})

t.test('a pause of the one who looks is not held against the others', async t => {
  t.same(deaths(['1', '1', '1', '1'], { stepMs: 10 * second }), [])
})

t.test('each host has its own time; one that is gone is forgotten', async t => {
  const watch = createHostWatch({ staleMs: 4, maxGapMs: 100 })
  const dead = (at: number, ...hosts: string[]) => watch.observe(hosts.map(hostId => ({ hostId, beat: '1' })), at).map(({ hostId }) => hostId)
  t.same(dead(0, 'a'), [])
  t.same(dead(2, 'a', 'b'), [])
  t.same(dead(4, 'a', 'b'), ['a'])
  t.same(dead(5, 'b'), [])
  t.same(dead(6, 'a', 'b'), ['b'], 'a is new again')
})
