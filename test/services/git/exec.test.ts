/** git runs in a closed environment, within its limits, and its failures say why. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createGit, GitFailed, gitReason } from '../../../services/git/exec.ts'
import { makeRepository, runGit } from '../../fixtures/git.ts'
import { rejectionOf } from '../../fixtures/rejection.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'

const git = createGit()

/** A folder with a program called `git`, and an environment that finds it first. */
async function fakeGit (t: Parameters<typeof temporaryFolder>[0], script: string) {
  const folder = await temporaryFolder(t)
  writeFileSync(join(folder, 'git'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'git'), 0o755)
  return { folder, env: { ...process.env, PATH: `${folder}:${process.env.PATH}` } }
}

t.test('output comes as text or as bytes, with the exit code', async t => {
  const root = await makeRepository(t)
  t.match(await git(['rev-parse', '--abbrev-ref', 'HEAD'], { cwd: root }), { stdout: 'main\n', stderr: '', exitCode: 0 })
  const blob = (await git(['hash-object', '-w', '--stdin'], { cwd: root, input: Buffer.from([0xff, 0, 0xfe]) })).stdout.trim()
  t.same((await git.bytes(['cat-file', 'blob', blob], { cwd: root })).stdout, Buffer.from([0xff, 0, 0xfe]))
})

t.test('a failure carries the arguments, the exit code and what git said', async t => {
  const root = await makeRepository(t)
  const error = await git(['rev-parse', '--verify', 'nowhere'], { cwd: root }).catch((error: unknown) => error)
  t.type(error, GitFailed)
  t.match(error, { args: ['rev-parse', '--verify', 'nowhere'], exitCode: 128, reason: 'exited', stderr: /Needed a single revision/ })
  t.equal(gitReason(error), 'Needed a single revision')
  t.equal((await git(['rev-parse', '--verify', '--quiet', 'nowhere'], { cwd: root, allowExitCodes: [1] })).exitCode, 1, 'an exit code that is an answer')
})

t.test('a folder that is not there is a failure to start, not a crash', async t => {
  t.match(await rejectionOf(git(['status'], { cwd: '/does/not/exist' })), { name: 'GitFailed', reason: 'not_started' })
})

t.test('a call is ended at its time-out, with the processes it started', async t => {
  const { folder, env } = await fakeGit(t, 'sleep 600 & echo $! > "$PWD/child"; echo "$PWD" >&2; wait')
  t.match(await rejectionOf(createGit({ env })(['status'], { cwd: folder, timeoutMs: 300 })), { reason: 'timed_out' })
  const child = Number(readFileSync(join(folder, 'child'), 'utf8'))
  const deadline = Date.now() + 5_000
  const isGone = () => !existsSync(`/proc/${child}`) || readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z ')
  while (!isGone() && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
  t.ok(isGone(), 'the child of git is gone too')
})

t.test('a call is ended by its signal, also by one that fired before', async t => {
  const { folder, env } = await fakeGit(t, 'exec sleep 600')
  const controller = new AbortController()
  const call = createGit({ env })(['status'], { cwd: folder, signal: controller.signal })
  controller.abort()
  t.match(await rejectionOf(call), { reason: 'aborted' })
  t.match(await rejectionOf(git(['status'], { cwd: folder, signal: AbortSignal.abort() })), { reason: 'aborted' })
})

t.test('output above the limit ends the call', async t => {
  const { folder, env } = await fakeGit(t, 'exec yes')
  t.match(await rejectionOf(createGit({ env })(['log'], { cwd: folder, maxBytes: 100_000 })), { reason: 'too_much_output' })
})

t.test('streamed output waits for its taker, whose error ends the call', async t => {
  const { folder, env } = await fakeGit(t, 'exec yes')
  let seen = 0
  const onStdout = () => { if (++seen === 3) throw new Error('enough') }
  t.match(await rejectionOf(createGit({ env })(['log'], { cwd: folder, onStdout })), { reason: 'aborted', cause: { message: 'enough' } })
  t.equal(seen, 3)
})

t.test('the environment is an allow-list: no secrets, no foreign repository, no prompts, one language', async t => {
  const { folder, env } = await fakeGit(t, 'env')
  const secret = { ...env, DATABASE_URL: 'postgres://x', BERTH_SECRET: 's', GIT_DIR: '/elsewhere', GIT_INDEX_FILE: '/elsewhere', GIT_WORK_TREE: '/', LANG: 'de_DE.UTF-8', SSH_AUTH_SOCK: '/agent' }
  const { stdout } = await createGit({ env: secret })(['status'], { cwd: folder })
  t.notMatch(stdout, /DATABASE_URL|BERTH_SECRET|GIT_DIR|GIT_INDEX_FILE|GIT_WORK_TREE/)
  for (const line of ['GIT_TERMINAL_PROMPT=0', 'GIT_OPTIONAL_LOCKS=0', 'LC_ALL=C', 'SSH_AUTH_SOCK=/agent']) t.ok(stdout.split('\n').includes(line), line)
})

t.test('hooks of the repository do not run', async t => {
  const root = await makeRepository(t)
  const hook = join(root, '.git/hooks/post-checkout')
  writeFileSync(hook, `#!/bin/sh\ntouch ${root}/hooked\n`)
  chmodSync(hook, 0o755)
  await git(['checkout', '--quiet', '-b', 'other'], { cwd: root })
  t.notOk(existsSync(join(root, 'hooked')))
  runGit(root, 'checkout', '--quiet', 'main')
  t.ok(existsSync(join(root, 'hooked')), 'a person\'s git would have run it')
})

t.test('a repository that belongs to another user can be read', { skip: process.getuid?.() !== 0 && 'only root can give files away' }, async t => {
  const root = await makeRepository(t)
  spawnSync('chown', ['-R', '65534', root])
  t.throws(() => runGit(root, 'status'), /dubious ownership/)
  t.equal((await git(['rev-parse', '--abbrev-ref', 'HEAD'], { cwd: root })).stdout, 'main\n')
})

t.test('passwords in URLs are masked in errors', t => {
  const error = new GitFailed({ args: ['fetch'], exitCode: 128, stderr: "fatal: unable to access 'https://me:hunter2@example.org/x.git/'", reason: 'exited' })
  t.notMatch(error.message + error.stderr, 'hunter2')
  t.match(error.message, 'https://me:***@example.org')
  t.end()
})
