/** `npm run demo`: the whole main job over HTTP, on a throw-away data dir and a small real repository. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type Call } from './client.ts'
import { archive, askReadiness, makeMess, restore, showKept, type FinishIssue } from './demo-closing.ts'
import { demoRuntime, makeDemoRepository } from './demo-repository.ts'
import { cancelJob, crash, followLog, runJob, serve, stopWithProof } from './demo-runtime.ts'
import { ensure, exists, step, type Operation, type Workspace } from './demo-step.ts'
import { shortLived, startServiceProcess, untilReady, type ServiceProcess } from './service-process.ts'

const ids = {
  company: '11111111-1111-4111-8111-111111111111',
  project: '22222222-2222-4222-8222-222222222222',
  projectWorkspace: '33333333-3333-4333-8333-333333333333',
  issue: '44444444-4444-4444-8444-444444444444'
}

async function register (call: Call, repository: string): Promise<void> {
  await step('Register a company, a project, its checkout and an issue', async () => {
    const company = `/api/companies/${ids.company}`
    await call('PUT', company, { name: 'Example Company' })
    await call('PUT', `${company}/projects/${ids.project}`, {
      name: 'Greeter',
      executionWorkspacePolicy: { enabled: true, defaultMode: 'isolated_workspace', workspaceStrategy: { type: 'git_worktree', provisionCommand: 'echo provisioned > .provisioned' } }
    })
    await call('PUT', `${company}/projects/${ids.project}/workspaces/${ids.projectWorkspace}`, { name: 'Main checkout', cwd: repository, isPrimary: true, runtimeConfig: demoRuntime })
    await call('PUT', `${company}/issues/${ids.issue}`, { identifier: 'DEMO-1', title: 'Make the greeting friendlier', status: 'in_progress', projectId: ids.project, projectWorkspaceId: ids.projectWorkspace })
    return { value: undefined, told: [`the checkout is ${repository}`] }
  })
}

async function open (call: Call): Promise<Workspace> {
  return await step('Open an isolated workspace for the issue', async () => {
    const { body } = await call<Workspace>('POST', `/api/companies/${ids.company}/execution-workspaces`, { projectId: ids.project, sourceIssueId: ids.issue }, 201)
    ensure(await exists(join(body.providerRef, 'server.js')), 'the worktree has no files')
    ensure(await exists(join(body.providerRef, '.provisioned')), 'the provision command did not run')
    return { value: body, told: [`branch ${body.branchName} from ${body.baseSha.slice(0, 10)}`, `worktree ${body.providerRef}`, `GET /api/execution-workspaces/${body.id}`] }
  })
}

/** Says that the issue is done; its workspace may be closed then. */
function finishIssueBy (call: Call): FinishIssue {
  return async workspace => {
    await call('PUT', `/api/companies/${ids.company}/issues/${ids.issue}`, { identifier: 'DEMO-1', title: 'Make the greeting friendlier', status: 'done', projectId: ids.project, projectWorkspaceId: ids.projectWorkspace, executionWorkspaceId: workspace.id })
  }
}

async function leaveNothing (call: Call, workspace: Workspace, service: ServiceProcess): Promise<void> {
  await step('Close for good, stop the service, leave nothing behind', async () => {
    await call('PATCH', `/api/execution-workspaces/${workspace.id}`, { status: 'archived' }, 200)
    const { body } = await call<Operation[]>('GET', `/api/execution-workspaces/${workspace.id}/workspace-operations`)
    const open = body.filter(operation => operation.status === 'running' || operation.status === 'queued')
    ensure(open.length === 0, `${open.length} operations are unfinished`)
    await service.stop()
    return { value: undefined, told: [`${body.length} operations on record, none unfinished`] }
  })
}

async function drive (call: Call, folder: string, service: ServiceProcess, keep: boolean): Promise<void> {
  const repository = join(folder, 'greeter')
  await step('Make a small git repository', async () => {
    await makeDemoRepository(repository)
    return { value: undefined, told: [repository] }
  })
  await register(call, repository)
  const workspace = await open(call)
  const web = await serve(call, workspace)
  await followLog(service.url, web)
  await crash(call, workspace, web)
  await stopWithProof(call, workspace)
  await runJob(call, workspace)
  await cancelJob(call, workspace, service.url)
  const mess = await makeMess(workspace)
  if (keep) {
    console.log(`\nLeft up. API ${service.url}, docs ${service.url}/docs, dev server ${web.url}, workspace ${service.url}/api/execution-workspaces/${workspace.id}\nPress Ctrl+C to stop the service; its files are in ${folder}`)
    return
  }
  await askReadiness(call, workspace, finishIssueBy(call))
  await archive(call, workspace, web.url)
  await showKept(call, workspace, service.url)
  await restore(call, workspace, mess)
  await leaveNothing(call, workspace, service)
}

/** Starts the service; a Ctrl+C ends it with the demo. */
async function startService (folder: string): Promise<ServiceProcess> {
  return await step('Start the service on its embedded database', async () => {
    const service = await startServiceProcess({ BERTH_DATA_DIR: join(folder, 'data'), BERTH_STOP_SERVICES_ON_EXIT: 'true' }, undefined, shortLived)
    await untilReady(service.url)
    return { value: service, told: [`${service.url}  (docs: ${service.url}/docs)`] }
  })
}

async function main (): Promise<void> {
  const keep = process.argv.includes('--keep')
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'berth-demo-')))
  const service = await startService(folder)
  const end = async () => {
    await service.stop()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
  process.once('SIGINT', () => { end().finally(() => process.exit(130)) })
  process.once('SIGTERM', () => { end().finally(() => process.exit(143)) })
  try {
    await drive(createClient(service.url), folder, service, keep)
  } catch (error) {
    await end()
    throw error
  }
  if (keep) return
  await end()
  ensure(!await exists(folder), `${folder} is still there`)
  console.log('\nThe whole main job ran; nothing is left behind.')
}

main().catch(error => {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
