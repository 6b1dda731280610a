/** The steps of the demo that close and reopen: a mess, whether closing is safe, what is kept, and everything back as it was. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Call } from './client.ts'
import { ensure, exists, step, type Controlled, type Workspace } from './demo-step.ts'

const run = promisify(execFile)

interface Readiness { state: string, blockingReasons: string[], warnings: string[], plannedActions: { kind: string, description: string }[] }
interface Explanation { summary: string, closing: { deletes: string[], keeps: string[] } }
interface Rescue { ref: string, fileCount: number, files: { path: string, status: string, mode: string | null, sizeBytes: number | null }[] }

/** The worktree as it was left: what git says of it, and each file of the mess. */
export interface Mess {
  status: string
  files: Record<string, string>
}

/** Closes an issue of the demo. */
export type FinishIssue = (workspace: Workspace) => Promise<void>

const written: Record<string, string> = {
  'README.md': '# Greeter\n\nSays hello over HTTP, to friends too.\n',
  'greeting.js': "export const greeting = 'Hello, friend'\n",
  'notes.txt': 'an untracked thought\n',
  '.env': 'GREETING_TOKEN=only-on-this-machine\n'
}

const git = async (folder: string, ...args: string[]) => (await run('git', args, { cwd: folder })).stdout

async function look (folder: string): Promise<Mess> {
  const files: Record<string, string> = { 'notes-link': await readlink(join(folder, 'notes-link')) }
  for (const name of Object.keys(written)) {
    const { mode } = await stat(join(folder, name))
    files[name] = `${(mode & 0o777).toString(8)} ${createHash('sha256').update(await readFile(join(folder, name))).digest('hex')}`
  }
  return { status: await git(folder, 'status', '--porcelain=v2', '--branch', '--untracked-files=all'), files }
}

/** Leaves work of every kind in the worktree, nothing of it committed. */
export async function makeMess ({ providerRef: folder }: Workspace): Promise<Mess> {
  return await step('Leave unfinished work in the worktree', async () => {
    await writeFile(join(folder, 'README.md'), '# Greeter\n\nSays hello, staged.\n')
    await git(folder, 'add', 'README.md')
    for (const [name, content] of Object.entries(written)) await writeFile(join(folder, name), content)
    await chmod(join(folder, '.env'), 0o600)
    await symlink('notes.txt', join(folder, 'notes-link'))
    await rm(join(folder, 'test.js'))
    const mess = await look(folder)
    return { value: mess, told: ['nothing committed; git status says:', ...mess.status.trim().split('\n').filter(line => !line.startsWith('#')).map(line => `| ${line}`), '| and an ignored .env'] }
  })
}

/** Asks for readiness while the issue is open, then when it is done, and for the explanation. */
export async function askReadiness (call: Call, workspace: Workspace, finishIssue: FinishIssue): Promise<void> {
  const path = `/api/execution-workspaces/${workspace.id}`
  await step('Ask whether closing is safe while the issue is open', async () => {
    const { body } = await call<Readiness>('GET', `${path}/close-readiness`)
    ensure(body.state === 'blocked', `readiness is ${body.state}`)
    const refused = await call<{ detail: string }>('PATCH', path, { status: 'archived' }, 409)
    return { value: undefined, told: [...body.blockingReasons.map(reason => `blocked: ${reason}`), `PATCH {"status":"archived"} → 409: ${refused.body.detail}`] }
  })
  await step('Finish the issue and ask again', async () => {
    await finishIssue(workspace)
    const { body } = await call<Readiness>('GET', `${path}/close-readiness`)
    ensure(body.state === 'ready_with_warnings', `readiness is ${body.state}: ${body.blockingReasons.join('; ')}`)
    return { value: undefined, told: [...body.warnings.map(warning => `warning: ${warning}`), ...body.plannedActions.map(action => `will: ${action.description}`)] }
  })
  await step('Let it explain itself', async () => {
    const { body } = await call<Explanation>('GET', `${path}/explain`)
    ensure(body.closing.keeps.some(line => line.includes('refs/berth/rescue')), `it would keep: ${body.closing.keeps.join(' ')}`)
    return { value: undefined, told: [body.summary, ...body.closing.deletes.map(line => `goes: ${line}`), ...body.closing.keeps.map(line => `stays: ${line}`)] }
  })
}

/** Archives, and looks that nothing is left where it was. */
export async function archive (call: Call, workspace: Workspace, serviceUrl: string): Promise<void> {
  await step('Archive it', async () => {
    const { body } = await call<Workspace & { cleanupReason: string | null }>('PATCH', `/api/execution-workspaces/${workspace.id}`, { status: 'archived' }, 200)
    ensure(body.status === 'archived', `the status is ${body.status}: ${body.cleanupReason}`)
    ensure(!await exists(workspace.providerRef), 'the worktree is still there')
    ensure(await fetch(serviceUrl).then(() => false, () => true), 'the dev server still answers')
    return { value: undefined, told: ['dev server stopped, worktree removed', ...(body.cleanupReason === null ? [] : [`note: ${body.cleanupReason}`])] }
  })
}

/** Lists what is kept, and takes one file of it. */
export async function showKept (call: Call, workspace: Workspace, serviceUrl: string): Promise<void> {
  const path = `/api/execution-workspaces/${workspace.id}/rescue`
  await step('See what is kept, and take one file of it', async () => {
    const { body } = await call<Rescue>('GET', path)
    for (const name of [...Object.keys(written), 'notes-link', 'test.js']) ensure(body.files.some(file => file.path === name), `${name} is not kept`)
    const file = await (await fetch(`${serviceUrl}${path}/files/notes.txt`)).text()
    ensure(file === written['notes.txt'], `notes.txt is given as: ${file}`)
    return { value: undefined, told: [`GET ${path}: ${body.fileCount} files under ${body.ref}`, ...body.files.map(kept => `| ${kept.status.padEnd(9)} ${kept.mode ?? '      '} ${kept.path}`), `GET ${path}/files/notes.txt → ${file.trim()}`] }
  })
}

/** Restores with the services that ran, and compares with how it was left. */
export async function restore (call: Call, workspace: Workspace, before: Mess): Promise<void> {
  await step('Change your mind: restore it, start what ran, and compare', async () => {
    const { body } = await call<Controlled>('POST', `/api/execution-workspaces/${workspace.id}/restore`, { startServices: true }, 200)
    ensure(body.workspace.status === 'active', `the status is ${body.workspace.status}`)
    const now = await look(workspace.providerRef)
    ensure(now.status === before.status, `git status says: ${now.status}`)
    for (const [name, state] of Object.entries(before.files)) ensure(now.files[name] === state, `${name} did not come back as it was`)
    ensure(!await exists(join(workspace.providerRef, 'test.js')), 'a deleted file is back')
    const web = body.workspace.runtimeServices.find(service => service.serviceName === 'web' && service.status === 'running')
    if (web === undefined) throw new Error('the dev server was not started again')
    const page = (await (await fetch(web.url)).text()).trim()
    ensure(page === 'Hello, friend', `the dev server answered: ${page}`)
    return { value: undefined, told: [...Object.keys(before.files).map(name => `${name} is back, byte for byte`), 'git status says the same; staged is staged, deleted is deleted', `the dev server runs again: ${page}`] }
  })
}
