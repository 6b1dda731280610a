/** A web page the user visits, in a real browser: it can neither read from the service nor change anything in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { buildTestApp } from '../fixtures/app.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

function findBrowser (): string | null {
  const candidates = (process.env['PATH'] ?? '').split(':').concat('/usr/bin').flatMap(folder => names.map(name => join(folder, name)))
  return candidates.find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      // Not there: the next one may be.
      return false
    }
  }) ?? null
}

/** What the page does to each address of the service; it reports what it could see. Sent to the browser as text. */
async function attack (services: string[], companyId: string): Promise<void> {
  const seen: string[] = []
  const soon = (begin: (done: (what: string) => void) => void) => Promise.race([new Promise<string>(begin), new Promise<string>(resolve => setTimeout(resolve, 5000, 'nothing'))])
  const fetched = (url: string, options: RequestInit) => fetch(url, options).then(async response => response.type === 'opaque' ? 'opaque' : `read ${response.status} ${await response.text()}`, () => 'refused')
  const page = (globalThis as unknown as { document: any }).document
  for (const service of services) {
    const companies = `${service}/api/companies`
    const evil = JSON.stringify({ name: 'Evil' })
    seen.push(`${service} get: ${await fetched(companies, {})}`)
    seen.push(`${service} blind get: ${await fetched(companies, { mode: 'no-cors' })}`)
    seen.push(`${service} post as text: ${await fetched(companies, { method: 'POST', mode: 'no-cors', body: evil })}`)
    seen.push(`${service} post: ${await fetched(companies, { method: 'POST', body: evil, headers: { 'content-type': 'application/json' } })}`)
    seen.push(`${service} put: ${await fetched(`${companies}/${companyId}`, { method: 'PUT', body: evil, headers: { 'content-type': 'application/json' } })}`)
    seen.push(`${service} delete: ${await fetched(`${companies}/${companyId}`, { method: 'DELETE' })}`)
    seen.push(`${service} stream: ${await soon(done => {
      const source = new (globalThis as any).EventSource(`${companies}/${companyId}/events?from=oldest`)
      source.onopen = () => done('read')
      source.onmessage = () => done('read')
      source.addEventListener('position', () => done('read'))
      source.onerror = () => {
        source.close()
        done('refused')
      }
    })}`)
    for (const tag of ['img', 'script', 'iframe']) {
      seen.push(`${service} ${tag}: ${await soon(done => {
        const element = page.createElement(tag)
        element.onload = () => done(tag === 'iframe' ? 'shown' : 'read')
        element.onerror = () => done('refused')
        element.src = tag === 'iframe' ? `${service}/docs/` : companies
        page.body.append(element)
      })}`)
    }
    const form = page.createElement('form')
    Object.assign(form, { method: 'post', action: companies, enctype: 'text/plain', target: 'sink' })
    form.innerHTML = '<input name=\'{"name":"Evil","a":"\' value=\'"}\'>'
    page.body.append(form)
    form.submit()
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(seen) })
}

/** Serves the page and settles with what it reports. */
async function servePage (t: Test, page: () => string): Promise<{ port: number, report: Promise<string[]> }> {
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html')
      response.end(page())
      return
    }
    let text = ''
    request.on('data', chunk => { text += String(chunk) }).on('end', () => {
      response.end()
      resolve(JSON.parse(text))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, report: promise }
}

/** Opens a page in a browser with a profile of its own, for which evil.example is this machine: a name that was rebound. */
async function open (t: Test, browser: string, url: string): Promise<void> {
  const profile = await temporaryFolder(t)
  const child = spawn(browser, [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
    '--host-resolver-rules=MAP evil.example 127.0.0.1', '--remote-debugging-port=0', `--user-data-dir=${profile}`, url
  ], { stdio: 'ignore', detached: true, env: { ...process.env, HOME: profile } })
  const gone = new Promise(resolve => child.once('exit', resolve))
  t.teardown(async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL')
    await gone
  })
}

const browser = findBrowser()

for (const host of ['127.0.0.1', 'evil.example']) {
  t.test(`a page of another origin (${host}) gets nothing through`, { skip: browser === null ? 'there is no Chromium here' : false }, async t => {
    const lines: { msg?: string, url?: string, status?: number }[] = []
    const { app, call } = await buildTestApp(t, { onLog: line => lines.push(line) })
    const { body: { id } } = await call('POST', '/api/companies', { name: 'Acme' })
    const before = (await call('GET', '/api/companies')).text
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    lines.length = 0
    const services = ['127.0.0.1', 'localhost', 'evil.example'].map(name => `http://${name}:${port}`)
    const page = await servePage(t, () => `<!doctype html><body><iframe name="sink"></iframe><script>(${String(attack)})(${JSON.stringify(services)}, ${JSON.stringify(id)})</script>`)
    await open(t, browser ?? '', `http://${host}:${page.port}/`)
    const seen = await page.report
    const answered = lines.filter(({ msg }) => msg === 'request')

    t.equal(seen.length, services.length * 10)
    // An iframe's load says only that something is shown there: the browser's own page on what it would not show.
    t.same(seen.filter(what => !/(: refused|: opaque|: nothing|iframe: shown)$/.test(what)), [], 'it could read nothing')
    t.equal((await call('GET', '/api/companies')).text, before, 'nothing was changed')
    t.equal(app.eventStreams.open, 0, 'no stream is open')
    t.ok(answered.length > 10, `${answered.length} requests reached the service`)
    t.same(answered.filter(({ status }) => status !== 403), [], 'each was refused')
  })
}
