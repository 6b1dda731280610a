/** Settings reach git as numbered variables. */
import t from 'tap'
import { configEnvironment, gitEnvironment } from '../../../services/git/environment.ts'

t.test('settings are numbered from 0 and counted', t => {
  t.same(configEnvironment([['a.b', '1'], ['c.d', '']]), {
    GIT_CONFIG_COUNT: '2', GIT_CONFIG_KEY_0: 'a.b', GIT_CONFIG_VALUE_0: '1', GIT_CONFIG_KEY_1: 'c.d', GIT_CONFIG_VALUE_1: ''
  })
  t.end()
})

t.test('a call can add settings, which come last and therefore win', t => {
  const env = gitEnvironment({ PATH: '/bin', GIT_CONFIG_COUNT: '9' }, [['gc.auto', '1']])
  const last = Number(env.GIT_CONFIG_COUNT) - 1
  t.equal(env[`GIT_CONFIG_KEY_${last}`], 'gc.auto')
  t.equal(env[`GIT_CONFIG_VALUE_${last}`], '1')
  t.equal(env.PATH, '/bin')
  t.end()
})
