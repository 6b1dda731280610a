/** The head of the OpenAPI document: what the service is, its conventions, tags and ways to log in. */
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

interface Package { version: string, description: string }

/** What is running; the nearest package.json is the app's, from source, from a build and in the image. */
export const packageJson = JSON.parse(readFileSync(findPackageJSON(import.meta.url) ?? 'package.json', 'utf8')) as Package

const description = `
Berth gives coding agents a place to work: isolated worktrees of real repositories, runtime services, jobs,
operations with logs, and a close that loses nothing.

**Try it out** works with the examples as they are, from top to bottom (leave DELETE for last). The ids of companies,
projects, project workspaces, agents and issues are yours. Where the service makes an id, this page puts the last one
it saw in the place of the example's.

## Conventions

- **Errors** are \`application/problem+json\` (RFC 9457). \`code\` is for programs, \`detail\` for people (\`error\` says the same),
  \`errors\` points at each invalid place: a JSON pointer into the body, or \`#/query/…\`, \`#/params/…\`.
- **Unknown fields** and query parameters are refused with 400, never ignored. Text may hold neither NUL nor half a surrogate pair.
- **Lists** are JSON arrays with \`limit\` (100, at most 500) and \`cursor\`; \`Link: <…>; rel="next"\` leads to the next page.
- **Single resources** have an \`ETag\`. \`If-None-Match\` on GET saves the body of what is as you know it (304). \`If-Match\` on PATCH, PUT
  and DELETE gives 412 when the resource was changed since you read it; \`If-None-Match: *\` on PUT only creates.
- **What takes time** is answered at its end. \`Prefer: respond-async\` (RFC 7240) has it answered at once, \`wait=10\` after 10 seconds: 202,
  with the operation in \`Location\`. It ends when all has, and tells how; read it, or follow its \`/log/stream\`. What is done is done to its
  end, whether or not you wait; a client that hangs up changes nothing.
- **POST** takes an \`Idempotency-Key\`: the same key and body gives the first answer again (\`Idempotency-Replayed: true\`)
  for a day, a 202 too; another body is a 422. Keys are yours alone, and each path has its own. While the first one is under way the answer is
  a 409 with \`Retry-After\`. A 409, a 429 and a failure of the service may pass, so they are not kept, nor is a request whose process was killed:
  then the key is free again, and what was under way is told by its operations.
- **Times** are RFC 3339 in UTC with milliseconds, **ids** are UUIDs.
- **Limits**: a 429 has \`Retry-After\`; where requests are counted, \`RateLimit-Limit\`, \`RateLimit-Remaining\` and \`RateLimit-Reset\` say how many are
  left of this minute.
- **X-Request-Id** is taken from the request or made, is in the answer, in problem documents and in every log line.
- **Access**: \`Authorization: Bearer …\` with a JWT or an API key; in mode \`local\` (loopback only) none is needed. Without one, and with one
  that does not hold, the answer is a 401 whose \`WWW-Authenticate\` says why. What you may not see is answered like what does not exist.
  An agent says in \`X-Run-Id\` which run it works for, unless its token does.
`.trim()

const tags = [
  { name: 'directory', description: 'The few facts of the orchestrator that the service decides by. Ids are yours; PUT creates or replaces.' },
  { name: 'workspaces', description: 'Execution workspaces: the places where pieces of work happen.' },
  { name: 'runtime', description: 'Starting, stopping and running the commands of a workspace.' },
  { name: 'archive', description: 'Whether closing is safe, closing, and taking it back.' },
  { name: 'operations', description: 'The durable record of each thing done to a workspace, with its log.' },
  { name: 'activity', description: 'Who changed what.' },
  { name: 'keys', description: 'API keys of agents and people: shown once, revoked at once.' },
  { name: 'maintenance', description: 'Upkeep of the whole instance, for its admins.' },
  { name: 'webhooks', description: 'What happens in a company, sent to where you want it.' },
  { name: 'service', description: 'The service itself: health, readiness, metrics.' }
]

export interface DocumentSettings {
  /** Path the service has at its gateway; empty for none. */
  basePath: string
  authMode: 'local' | 'token'
}

/** The document without its paths and components. */
export const documentHead = ({ basePath, authMode }: DocumentSettings) => ({
  openapi: '3.1.0',
  info: {
    title: 'Berth',
    version: packageJson.version,
    summary: 'Execution workspaces for coding agents, over HTTP.',
    description,
    license: { name: 'MIT', identifier: 'MIT' }
  },
  servers: [{ url: basePath === '' ? '/' : basePath, description: 'The service this document came from.' }],
  tags,
  security: [{ bearer: [] }, { apiKey: [] }, ...(authMode === 'local' ? [{}] : [])],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'A JWT of the configured issuer. In mode `local` (loopback only) none is needed: whoever can open the port may do everything.'
      },
      apiKey: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'berth_…',
        description: 'An API key of this service, for an agent or a person.'
      }
    }
  }
})
