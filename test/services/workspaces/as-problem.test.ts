/** Failures of git and of the file system become problems; everything else stays what it is. */
import { readFile } from 'node:fs/promises'
import { test } from 'tap'
import { problemOf } from '../../fixtures/workspaces.ts'
import { RepositoryUnusable } from '../../../services/errors.ts'
import { createGit } from '../../../services/git/exec.ts'
import { ServiceStopping } from '../../../services/operations/run-step.ts'
import { asProblem, isStopping, withProblems } from '../../../services/workspaces/as-problem.ts'

test('what git refuses is a 422 with git\'s words', async t => {
  const problem = await problemOf(withProblems(async () => await createGit()(['rev-parse', '--verify', 'no-such-ref'], { cwd: '/' })))
  t.match(problem, { code: 'repository_unusable', statusCode: 422, detail: /git refused: / })
})

test('a path that can not be used is a 422 that names it', async t => {
  const problem = await problemOf(withProblems(async () => await readFile('/etc/passwd/x')))
  t.match(problem, { code: 'path_not_allowed', statusCode: 422, detail: /\/etc\/passwd\/x.*not a folder/ })
  t.match(asProblem(Object.assign(new Error('x'), { code: 'ENOSPC', path: '/w' })), { detail: /disk is full/ })
})

test('the service\'s own end is told apart from a failure', async t => {
  const stopped = asProblem(new ServiceStopping())
  t.match(stopped, { statusCode: 503 })
  t.equal(isStopping(stopped), true)
  t.equal(isStopping(new RepositoryUnusable('x')), false)
  t.equal(isStopping(new TypeError('x')), false)
})

test('other errors stay what they are', async t => {
  const mistake = new TypeError('x')
  t.equal(asProblem(mistake), mistake)
  t.equal(asProblem('text'), 'text')
})
