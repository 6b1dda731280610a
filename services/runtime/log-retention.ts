/** Removes logs of services past their time: of starts that are over, of services that are gone. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Db } from '../../db/client.ts'
import { forgetServiceLogs, listLogOwners, type LogOwner } from '../../db/service-logs.ts'
import { paced } from '../operations/paced.ts'
import { cutoff } from '../operations/retention.ts'
import { isOlder, namesIn } from '../operations/stray-logs.ts'
import { hasAttemptEnded } from './log-stream.ts'

export interface ServiceLogRetention {
  db: Db
  dataDir: string
  /** In days; null: for ever. A project's `cleanupPolicy.retainLogDays` goes before it. */
  logDays: number | null
  now: () => Date
}

interface LogFile {
  id: string
  attempt: number
  path: string
}

const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9][0-9]{0,8})\.log$/
const filesAtOnce = 200

/**
 * A log is as old as what was written to it last. That of a start that goes on stays, however long it is silent.
 * @returns how many logs went
 */
export async function removeServiceLogs (deps: ServiceLogRetention, signal: AbortSignal): Promise<number> {
  const folder = join(deps.dataDir, 'logs', 'services')
  const files = (await namesIn(folder)).flatMap(name => toLogFile(folder, name))
  let count = 0
  await paced(signal, async () => {
    count += await removeSome(deps, files.splice(0, filesAtOnce))
    return files.length > 0
  })
  return count
}

function toLogFile (folder: string, name: string): LogFile[] {
  const [, id, attempt] = fileName.exec(name) ?? []
  return id === undefined ? [] : [{ id, attempt: Number(attempt), path: join(folder, name) }]
}

async function removeSome ({ db, logDays, now }: ServiceLogRetention, files: LogFile[]): Promise<number> {
  if (files.length === 0) return 0
  const owners = new Map((await listLogOwners(db, files.map(({ id }) => id))).map(owner => [owner.id, owner]))
  const current: string[] = []
  let count = 0
  for (const { id, attempt, path } of files) {
    const owner = owners.get(id)
    const days = owner?.retainDays ?? logDays
    if (isWritten(owner, attempt) || days === null || !await isOlder(path, cutoff(now(), days))) continue
    for (const file of [path, `${path}.from`]) await rm(file, { force: true })
    if (attempt === owner?.attempt) current.push(id)
    count++
  }
  if (current.length > 0) await forgetServiceLogs(db, current)
  return count
}

function isWritten (owner: LogOwner | undefined, attempt: number): boolean {
  return owner !== undefined && !hasAttemptEnded(owner, attempt)
}
