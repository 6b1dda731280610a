/** Makes the small real git repository the demo works on: a dev server, a test job, one commit. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const files: Record<string, string> = {
  'README.md': '# Greeter\n\nSays hello over HTTP.\n',
  'greeting.js': "export const greeting = 'Hello from the main branch'\n",
  'clock.js': `import { createServer } from 'node:http'

const port = Number(process.env.PORT)
createServer((request, response) => response.end(new Date().toISOString()))
  .listen(port, '127.0.0.1', () => console.log('clock on port', port))
`,
  'server.js': `import { createServer } from 'node:http'
import { greeting } from './greeting.js'

const port = Number(process.env.PORT)
createServer(async (request, response) => {
  const time = await (await fetch(process.env.CLOCK_URL)).text()
  console.log(request.method, request.url, 'at', time)
  response.end(greeting + '\\n')
}).listen(port, '127.0.0.1', () => console.log('dev server on port', port))
`,
  'test.js': `import assert from 'node:assert/strict'
import { greeting } from './greeting.js'

console.log('checking the greeting …')
assert.match(greeting, /^Hello/)
console.log('1 test passed on branch', process.env.BERTH_WORKSPACE_BRANCH)
`,
  'package.json': JSON.stringify({ name: 'greeter', version: '1.0.0', private: true, type: 'module', scripts: { dev: 'node server.js', test: 'node test.js' } }, null, 2) + '\n',
  '.gitignore': 'node_modules/\n.env\n.provisioned\n'
}

/**
 * Writes the repository into `folder` (made if absent) and commits it on `main`.
 * The author is given to git for this one commit, so no git configuration is needed.
 */
export async function makeDemoRepository (folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const git = (...args: string[]) => run('git', ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.invalid', '-c', 'commit.gpgSign=false', ...args], { cwd: folder })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'A greeter')
}

const answers = { type: 'http', urlTemplate: 'http://127.0.0.1:{{port}}/', timeoutSec: 20 }

/** The commands of the demo project: a service, one that needs it and comes back when it crashes, and a job. */
export const demoRuntime = {
  commands: [
    {
      name: 'web',
      kind: 'service',
      command: 'exec node server.js',
      env: { CLOCK_URL: '{{services.clock.url}}' },
      port: { type: 'auto' },
      readiness: answers,
      expose: { urlTemplate: 'http://127.0.0.1:{{port}}/' },
      reuseScope: 'execution_workspace',
      dependsOn: [{ command: 'clock', condition: 'healthy' }],
      restart: { policy: 'on_failure', maxRetries: 3, backoffMs: 100 }
    },
    { name: 'clock', kind: 'service', command: 'exec node clock.js', port: { type: 'auto' }, readiness: answers, reuseScope: 'execution_workspace' },
    { name: 'test', kind: 'job', command: 'node test.js', timeoutSec: 60 },
    { name: 'soak', kind: 'job', command: 'for round in $(seq 600); do echo round $round; sleep 0.1; done', timeoutSec: 120 }
  ]
}
