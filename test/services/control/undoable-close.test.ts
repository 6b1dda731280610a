/** Random states of a worktree, closed and reopened through the public door: nothing may differ afterwards. */
import { existsSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { DatabaseKind } from '../../../db/client.ts'
import type { Answer } from '../../fixtures/app.ts'
import { runGit } from '../../fixtures/git.ts'
import { httpHouse, type HttpHouse } from '../../fixtures/http-workspaces.ts'
import { addBranchesOfStates, bringAbout, expectedAfterRestore, lookAtWorktree, quietStarts, requireSameLook, statesFrom, statesRepository, unfinishedStarts, type WorktreeState } from '../../fixtures/worktree-states.ts'

// With those of test/services/git/rescue-*-states.test.ts 300 in all; these cost three times as much.
const casesOfADatabase = 20

function must (answer: Answer, status: number, workspace: string): Answer {
  const is: string = answer.body?.workspace?.status ?? answer.body?.status
  if (answer.status !== status || is !== workspace) throw new Error(`answered ${answer.status}: ${answer.text}`)
  return answer
}

async function closeAndReopen ({ call, create, repository }: HttpHouse, name: string, state: WorktreeState): Promise<void> {
  const { body: { id, providerRef: tree } } = must(await create({ mode: 'isolated_workspace', name }), 201, 'active')
  await bringAbout(tree, state)
  const before = await expectedAfterRestore(tree)
  must(await call('POST', `/api/execution-workspaces/${id}/archive`), 200, 'archived')
  if (existsSync(tree) || runGit(repository, 'worktree', 'list').includes(tree)) throw new Error('it is archived, and still there')
  const { body: { workspace } } = must(await call('POST', `/api/execution-workspaces/${id}/restore`), 200, 'active')
  if (workspace.cleanupReason !== null) throw new Error(`there was something to say: ${workspace.cleanupReason}`)
  requireSameLook(await lookAtWorktree(tree), before)
  must(await call('POST', `/api/execution-workspaces/${id}/archive`), 200, 'archived')
}

async function closesAnyState (t: Test, kind: DatabaseKind, seed: number): Promise<void> {
  const house = await httpHouse(t, { kind, repository: statesRepository })
  await addBranchesOfStates(house.repository)
  let count = 0
  await fc.assert(fc.asyncProperty(statesFrom(...quietStarts, ...unfinishedStarts), async state => await closeAndReopen(house, `case-${++count}`, state)), { seed, numRuns: casesOfADatabase, endOnFailure: true })
}

t.test(`${casesOfADatabase} states are closed and reopened (PGlite)`, async t => await closesAnyState(t, 'pglite', 20260103))
t.test(`${casesOfADatabase} states are closed and reopened (PostgreSQL)`, async t => await closesAnyState(t, 'postgres', 20260104))
