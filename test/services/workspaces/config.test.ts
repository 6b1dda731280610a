/** Configs are patched key by key; metadata shows them, and never takes what is the service's own. */
import { test } from 'tap'
import { changedConfigKeys, clientMetadata, normalizeConfig, patchConfig, shownMetadata } from '../../../services/workspaces/config.ts'

const empty = { provisionCommand: null, teardownCommand: null, cleanupCommand: null, workspaceRuntime: null, desiredState: null, serviceStates: null }

test('a config has every key, and is null when none is set', async t => {
  t.same(normalizeConfig({ cleanupCommand: 'x' }), { ...empty, cleanupCommand: 'x' })
  t.equal(normalizeConfig({}), null)
  t.equal(normalizeConfig(empty), null)
  t.equal(normalizeConfig(null), null)
})

test('a patch keeps what it leaves out, null clears a key, a null patch clears all', async t => {
  const before = { ...empty, cleanupCommand: 'x', desiredState: 'running' as const }
  t.same(patchConfig(before, { provisionCommand: 'p' }), { ...before, provisionCommand: 'p' })
  t.same(patchConfig(before, { cleanupCommand: null }), { ...empty, desiredState: 'running' })
  t.equal(patchConfig(before, { cleanupCommand: null, desiredState: null }), null)
  t.equal(patchConfig(before, null), null)
  t.same(patchConfig(null, { serviceStates: { 0: 'running' } }), { ...empty, serviceStates: { 0: 'running' } })
})

test('changed keys are named without their values', async t => {
  t.same(changedConfigKeys(null, { ...empty, workspaceRuntime: { commands: [] } }), ['workspaceRuntime'])
  t.same(changedConfigKeys({ ...empty, cleanupCommand: 'a' }, { ...empty, cleanupCommand: 'b' }), ['cleanupCommand'])
  t.same(changedConfigKeys({ ...empty, cleanupCommand: 'a' }, { ...empty, cleanupCommand: 'a' }), [])
})

test('metadata keeps the client\'s keys and shows the config and who made the files', async t => {
  t.same(clientMetadata({ a: 1, config: {}, createdByRuntime: true }), { a: 1 })
  t.equal(clientMetadata({ createdByRuntime: true }), null)
  t.equal(clientMetadata(null), null)
  t.same(shownMetadata({ a: 1 }, { ...empty, cleanupCommand: 'x' }, true), { a: 1, config: { ...empty, cleanupCommand: 'x' }, createdByRuntime: true })
  t.same(shownMetadata(null, null, false), { createdByRuntime: false })
})
