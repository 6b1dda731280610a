/** The steps of the demo that run things: services, their log, a crash, a stop with its proof, a job. */
import { followEvents, type Call } from './client.ts'
import { ensure, step, type Controlled, type Operation, type Service, type StopProof, type Workspace } from './demo-step.ts'

export async function serve (call: Call, workspace: Workspace): Promise<Service> {
  const path = `/api/execution-workspaces/${workspace.id}/runtime-services/start`
  return await step('Start its dev server, with 20 requests at once; it depends on a clock', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => call<Controlled>('POST', path, { workspaceCommandId: 'service:web' }, 200)))
    const running = (name: string) => answers.flatMap(({ body }) => body.workspace.runtimeServices.filter(service => service.serviceName === name && service.status === 'running'))
    const [web] = running('web')
    const [clock] = running('clock')
    if (web === undefined || clock === undefined) throw new Error('the services are not shown')
    for (const name of ['web', 'clock']) ensure(new Set(running(name).map(service => service.providerRef)).size === 1, `20 starts left several processes of ${name}`)
    ensure(Date.parse(clock.startedAt) <= Date.parse(web.startedAt), 'the clock was started after what needs it')
    const page = await pageOf(web.url)
    return { value: web, told: [`first the clock, pid ${clock.providerRef}, since web needs it to be healthy`, `one process, pid ${web.providerRef}, at ${web.url}`, `it answers: ${page}`] }
  })
}

async function pageOf (url: string): Promise<string> {
  const page = (await (await fetch(url)).text()).trim()
  ensure(page === 'Hello from the main branch', `the dev server answered: ${page}`)
  return page
}

export async function followLog (serviceUrl: string, web: Service): Promise<void> {
  const path = `/api/runtime-services/${web.id}/log/stream`
  await step('Follow its log while somebody visits', async () => {
    const seen: string[] = []
    const visit = setTimeout(() => { fetch(`${web.url}from-the-demo`).catch(() => {}) }, 100)
    for await (const { event, data } of followEvents(serviceUrl + path)) {
      if (event === 'log') seen.push(...String(data['content']).trim().split('\n'))
      if (seen.some(line => line.includes('/from-the-demo'))) break
    }
    clearTimeout(visit)
    return { value: undefined, told: [`GET ${path}`, ...seen.map(line => `| ${line}`)] }
  })
}

export async function crash (call: Call, workspace: Workspace, web: Service): Promise<void> {
  await step('Kill it: its policy brings it back, on the same port', async () => {
    process.kill(Number(web.providerRef), 'SIGKILL')
    const backingOff = await untilService(call, web.id, service => service.status === 'backing_off' || service.restartCount > 0)
    const back = await untilService(call, web.id, service => service.status === 'running' && service.restartCount === 1)
    ensure(back.port === web.port && back.providerRef !== web.providerRef, 'it did not come back as another process on its port')
    await pageOf(back.url)
    const { body } = await call<Operation[]>('GET', `/api/execution-workspaces/${workspace.id}/workspace-operations`)
    const restart = body.find(operation => operation.metadata['automatic'] === true)
    return { value: undefined, told: [`${backingOff.status}: ${backingOff.exitReason ?? ''}`, `running again as pid ${back.providerRef}; restartCount ${back.restartCount}`, `GET /api/workspace-operations/${restart?.id} tells why`] }
  })
}

/** Polls a service until it is as wanted; fails after 20 s. */
async function untilService (call: Call, id: string, isWanted: (service: Service) => boolean): Promise<Service> {
  for (const deadline = Date.now() + 20_000; ;) {
    const { body } = await call<Service>('GET', `/api/runtime-services/${id}`)
    if (isWanted(body)) return body
    ensure(Date.now() < deadline, `${body.serviceName} is still ${body.status}: ${body.exitReason}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export async function stopWithProof (call: Call, workspace: Workspace): Promise<void> {
  const path = `/api/execution-workspaces/${workspace.id}/runtime-services`
  await step('Stop both, with proof, and start them again', async () => {
    const { body } = await call<Controlled>('POST', `${path}/stop`, undefined, 200)
    const proof = body.operation.metadata['stop'] as StopProof
    ensure(proof.membersBefore.length >= 2 && proof.survivors.length === 0 && proof.portFree, `the proof is ${JSON.stringify(proof)}`)
    await call('POST', `${path}/start`, undefined, 200)
    return { value: undefined, told: [`processes before: ${proof.membersBefore.join(', ')}; survivors: none; ports free: ${proof.portFree}`] }
  })
}

export async function runJob (call: Call, workspace: Workspace): Promise<void> {
  await step('Run the test job and read its log', async () => {
    const { body } = await call<Controlled>('POST', `/api/execution-workspaces/${workspace.id}/runtime-commands/run`, { workspaceCommandId: 'job:test' }, 200)
    ensure(body.operation.status === 'succeeded' && body.operation.exitCode === 0, `the job ended as ${body.operation.status}`)
    const log = await call<{ content: string }>('GET', `/api/workspace-operations/${body.operation.id}/log`)
    const lines = log.body.content.trim().split('\n').map(line => JSON.parse(line) as { stream: string, chunk: string })
    const output = lines.filter(line => line.stream === 'stdout').map(line => line.chunk).join('').trim().split('\n')
    ensure(output.some(line => line.includes('1 test passed')), `the log holds: ${output.join(' | ')}`)
    return { value: undefined, told: [`exit code 0; GET /api/workspace-operations/${body.operation.id}/log`, ...output.map(line => `| ${line}`)] }
  })
}

export async function cancelJob (call: Call, workspace: Workspace, serviceUrl: string): Promise<void> {
  await step('Start a long job without waiting, follow it live, and cancel it', async () => {
    const begun = await call<Controlled>('POST', `/api/execution-workspaces/${workspace.id}/runtime-commands/run`, { workspaceCommandId: 'job:soak' }, 202, { prefer: 'respond-async' })
    const path = `/api/workspace-operations/${begun.body.operation.id}`
    const told = [`202, Location: ${begun.headers.get('location')}`]
    let rounds = 0
    for await (const { event, data } of followEvents(`${serviceUrl}${path}/log/stream`)) {
      if (event === 'end') told.push(`the stream ends: ${String(data['status'])}`)
      else rounds += (data['lines'] as { chunk: string }[]).map(({ chunk }) => chunk).join('').split('round').length - 1
      if (event === 'log' && rounds >= 3 && told.length === 1) {
        const { body } = await call<Operation>('POST', `${path}/cancel`, {}, 200)
        const { membersBefore, survivors } = body.metadata['stop'] as StopProof
        ensure(body.status === 'cancelled' && survivors.length === 0, `the job is ${body.status}`)
        told.push(`after ${rounds} rounds: POST ${path}/cancel → ${body.status}; processes before: ${membersBefore.join(', ')}; survivors: none`)
      }
    }
    ensure(told.length === 3, 'the stream ended early')
    return { value: undefined, told }
  })
}
