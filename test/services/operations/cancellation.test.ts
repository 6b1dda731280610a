import t from 'tap'
import { actorOf, Cancellation, cancellerOf, readCanceller } from '../../../services/operations/cancellation.ts'
import { localBoard, systemActor, type Actor } from '../../../services/access/actor.ts'
import { agentOf, nobody } from '../../fixtures/app.ts'

t.test('who cancels is kept as kind and id, and comes back as an actor for the activity', async t => {
  const agent = agentOf('c', 'a', 'r')
  for (const [actor, canceller, words] of [
    [localBoard, { type: 'board', id: 'local', runId: null }, 'the person local'],
    [agent, { type: 'agent', id: 'a', runId: 'r' }, 'the agent a, run r'],
    [{ ...agent, keyId: 'k' }, { type: 'agent', id: 'a', runId: 'r', keyId: 'k' }, 'the agent a, run r'],
    [systemActor, { type: 'system', id: null, runId: null }, 'the service itself']
  ] as [Actor, object, string][]) {
    const kept = cancellerOf(actor)
    t.same(kept, canceller)
    t.same(readCanceller(JSON.parse(JSON.stringify(kept))), canceller)
    t.match(actorOf(kept, 'c'), actor.type === 'board' ? { type: 'board', userId: 'local', instanceAdmin: false } : actor)
    t.match(new Cancellation(kept, 'op'), { code: 'operation_cancelled', detail: `It was cancelled by ${words}.`, members: { operationId: 'op' } })
  }
  t.throws(() => cancellerOf(nobody), TypeError)
  t.match(readCanceller({ type: 'king' }), { type: 'system' }, 'what can not be read is nobody in particular')
})
