/** Answers before the end. */
import t from 'tap'
import { withPatience, type OnBegun } from '../../../services/operations/begun.ts'

/** An action whose course the test decides. */
function action (answer: () => Promise<string> = async () => 'under way') {
  const end = Promise.withResolvers<string>()
  let told: OnBegun<string> | undefined
  return {
    end,
    begin: () => told?.({ operationId: 'op', answer }),
    run: async (onBegun: OnBegun<string>) => { told = onBegun; return await end.promise }
  }
}

function patience (waitMs: number) {
  const late: unknown[][] = []
  return { late, waitMs, onLateFailure: (...args: unknown[]) => { late.push(args) } }
}

t.test('an action that ends in time is answered with its end', async t => {
  const { run, begin, end } = action()
  const answered = withPatience(patience(60_000), run)
  begin()
  end.resolve('done')
  t.same(await answered, { hasEnded: true, value: 'done' })
})

t.test('one that takes longer is answered once it has begun, and goes on', async t => {
  const { run, begin, end } = action()
  const given = patience(0)
  const answered = withPatience(given, run)
  begin()
  t.same(await answered, { hasEnded: false, value: 'under way', operationId: 'op' })
  end.resolve('done')
  await end.promise
  t.same(given.late, [])
})

t.test('before it has begun there is nothing to answer with', async t => {
  const { run, end } = action()
  const answered = withPatience(patience(0), run)
  end.resolve('nothing was to be done')
  t.same(await answered, { hasEnded: true, value: 'nothing was to be done' })
})

t.test('a failure in time is thrown, a later one is told', async t => {
  const early = action()
  const refused = withPatience(patience(0), early.run)
  early.end.reject(new Error('refused'))
  await t.rejects(refused, { message: 'refused' })

  const given = patience(0)
  const late = action()
  const answered = withPatience(given, late.run)
  late.begin()
  await answered
  late.end.reject(new Error('failed'))
  await late.end.promise.catch(() => {})
  await new Promise(resolve => setImmediate(resolve))
  t.match(given.late, [[{ message: 'failed' }, 'op']])
})

t.test('what can not be shown on the way is shown at its end', async t => {
  const { run, begin, end } = action(async () => { throw new Error('no database') })
  const answered = withPatience(patience(0), run)
  begin()
  await new Promise(resolve => setImmediate(resolve))
  end.resolve('done')
  t.same(await answered, { hasEnded: true, value: 'done' })
})
