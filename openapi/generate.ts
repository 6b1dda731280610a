/** `npm run openapi`: writes `openapi/openapi.json` from the routes and schemas of the app. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from '../app.ts'
import { configWith } from '../plugins/config.ts'

export const documentFile = fileURLToPath(new URL('openapi.json', import.meta.url))

/** The document as text, the way it is committed. */
export function documentText (document: object): string {
  return JSON.stringify(document, null, 2) + '\n'
}

async function generate (): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-openapi-'))
  const app = await buildApp(configWith({ dataDir, logLevel: 'warn' }))
  try {
    await app.ready()
    await writeFile(documentFile, documentText(app.swagger()))
    console.log(`Wrote ${documentFile}`)
  } finally {
    await app.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

if (import.meta.main) await generate()
