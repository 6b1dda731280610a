/** The page on runtime configs: it names every field, its example uses them and runs, its refusals are what is answered. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parse } from 'yaml'
import { exampleIds as ids } from '../../openapi/example-ids.ts'
import { CommandEntry } from '../../openapi/schemas/workspace-config.ts'
import { runtimeConfigProblems } from '../../services/runtime/config.ts'
import { buildTestApp } from '../fixtures/app.ts'
import { makeRepository } from '../fixtures/git.ts'
import { freePort } from '../fixtures/processes.ts'
import { checkout } from '../fixtures/state-dir.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const page = await readFile(join(checkout, 'docs/runtime-configs.md'), 'utf8')
const example = await readFile(join(checkout, 'docs/runtime-config.example.yaml'), 'utf8')

/** The code blocks of the page that are marked so. */
const blocks = (mark: string) => [...page.matchAll(new RegExp(`\`\`\`${mark}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(match => match[1] ?? '')

interface Schema { properties?: Record<string, Schema>, items?: Schema, anyOf?: Schema[] }

/** Every field of a schema, `dependsOn[].command` and the like. */
function fieldsOf ({ properties, items, anyOf = [] }: Schema, at = ''): string[] {
  if (items !== undefined) return fieldsOf(items, `${at}[]`)
  const own = Object.entries(properties ?? {}).flatMap(([name, schema]) => {
    const path = at === '' ? name : `${at}.${name}`
    return [path, ...fieldsOf(schema, path)]
  })
  return [...own, ...anyOf.flatMap(choice => fieldsOf(choice, at))]
}

/** Every field of a value, spelt the same way. */
function usedIn (value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap(item => usedIn(item, `${at}[]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = at === '' ? name : `${at}.${name}`
    return [path, ...usedIn(inner, path)]
  })
}

const fields = fieldsOf(CommandEntry as Schema)

t.test('the page has every field in its tables', async t => {
  t.ok(fields.length > 40 && fields.includes('port.envKey') && fields.includes('dependsOn[].condition'), 'the fields are found')
  const named = new Set(page.split('\n').flatMap(line => [...(/^\|([^|]*)\|/.exec(line)?.[1] ?? '').matchAll(/`([^`]+)`/g)].map(match => match[1])))
  for (const field of fields.filter(field => field !== 'readiness.url')) t.ok(named.has(field), field)
})

t.test('the example uses every field, or says in a comment what else does', async t => {
  const used = new Set(usedIn((parse(example) as { commands: unknown[] }).commands.map(entry => entry)).map(path => path.replace(/^\[\]\.?/, '')))
  const others = ['label', 'title', 'readiness.url', 'expose.type', 'port.value']
  for (const field of fields.filter(field => !others.includes(field))) t.ok(used.has(field), field)
  for (const scope of ['project_workspace', 'execution_workspace', 'agent', 'run']) t.match(example, `reuseScope: ${scope}`)
  for (const type of ['http', 'tcp', 'log', 'command']) t.match(example, new RegExp(`type: ${type}\\b`))
  for (const condition of ['started', 'healthy', 'completed']) t.match(example, `condition: ${condition}`)
  t.same(runtimeConfigProblems(parse(example), ''), [])
})

t.test('what the page shows as refused is refused with those places and words', async t => {
  const [config = ''] = blocks('json refused')
  const [first = '', second = ''] = blocks('json answer')
  t.same(runtimeConfigProblems(JSON.parse(config), '/runtimeConfig'), JSON.parse(first))
  t.same(runtimeConfigProblems(JSON.parse(config.replace(', "envkey": "WEB"', '')), '/runtimeConfig'), JSON.parse(second))
})

t.test('the example is loaded and run by the commands of the page', async t => {
  const { app, call } = await buildTestApp(t, { config: { stopServicesOnExit: true } })
  const [repository, folder] = [await makeRepository(t), await temporaryFolder(t)]
  const file = join(folder, 'example.yaml')
  await writeFile(file, example.replace('4199', String(await freePort())))
  await call('PUT', `/api/companies/${ids.company}`, { name: 'Example Company' })
  await call('PUT', `/api/companies/${ids.company}/projects/${ids.project}`, { name: 'Greeter' })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  const script = ['set -euo pipefail', ...blocks('sh example')].join('\n')
    .replaceAll('http://127.0.0.1:4180', url)
    .replaceAll('/tmp/berth-tour/greeter', repository)
    .replaceAll('docs/runtime-config.example.yaml', file)
    // An answer that is an error is kept: what reads it would only say that a field is missing.
    .replace('field () {', `field () { tee '${folder}/answer' |`)
  const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: checkout, timeout: 60_000 }).catch(async (cause: unknown) => {
    throw new Error(`the commands failed; the last answer was ${await readFile(join(folder, 'answer'), 'utf8')}`, { cause })
  })
  t.same(stdout.trimEnd().split('\n'), [
    'prepare', 'service:database', 'service:api', 'service:worker', 'service:preview', 'service:tunnel', 'job:smoke-test',
    'database: running, healthy', 'api: running, healthy', 'worker: running, healthy', 'preview: running, healthy',
    'hello from try-the-example', '',
    '0'
  ])

  const [workspace] = (await call('GET', `/api/companies/${ids.company}/execution-workspaces`)).body
  t.match(await readFile(join(workspace.providerRef, '.state/prepared'), 'utf8'), `prepared in ${workspace.cwd} for ${workspace.branchName}`)
  const operations = (await call('GET', `/api/execution-workspaces/${workspace.id}/workspace-operations`)).body
  t.same([...new Set(operations.map((operation: { status: string }) => operation.status))], ['succeeded'])
})
