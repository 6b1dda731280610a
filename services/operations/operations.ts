/** Reads operations and their logs. Who may see them is decided by the caller. */
import type { Db } from '../../db/client.ts'
import { companyOfExecutionWorkspace, findOperation, listOperationsOfRun, listOperationsOfWorkspace } from '../../db/workspace-operations.ts'
import type { Row } from '../../db/tables.ts'
import type { Page } from '../../openapi/schemas/common.ts'
import type { OperationLog, WorkspaceOperation } from '../../openapi/schemas/operation.ts'
import { NotFound, type Problem } from '../errors.ts'
import { defaultLimitBytes } from './log-event.ts'
import type { LogStore } from './log-store.ts'
import { pageOf, sliceOf, type PageRequest } from './seq-page.ts'
import { toOperation } from './shape.ts'

export interface LogRequest {
  /** Bytes. */
  offset?: number | undefined
  limitBytes?: number | undefined
}

export interface Operations {
  /** Null when there is none. */
  get (id: string): Promise<WorkspaceOperation | null>
  /** The company of an execution workspace; null when there is no such workspace. */
  companyOfWorkspace (workspaceId: string): Promise<string | null>
  /** Newest first. Throws InvalidCursor. */
  listOfWorkspace (workspaceId: string, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /** Oldest first; of the companies given, of all when null. Throws InvalidCursor. */
  listOfRun (runId: string, companyIds: readonly string[] | null, page: PageRequest): Promise<Page<WorkspaceOperation>>
  /**
   * Whole lines of an operation's log from `offset` on; `nextOffset` is null once the operation has ended and all was read.
   * Throws NotFound when the log is not here (any more).
   */
  readLog (operation: WorkspaceOperation, part: LogRequest): Promise<OperationLog>
}

/** True for an operation that is over, however it went. */
export function hasEnded ({ status }: Pick<WorkspaceOperation, 'status'>): boolean {
  return status !== 'running' && status !== 'queued'
}

/** There is no log here: it was removed, or never was, or another host has it. */
export function logMissing ({ logRef, hostId }: Pick<WorkspaceOperation, 'logRef' | 'hostId'>): Problem {
  return new NotFound(logRef === null || hostId === null
    ? 'This operation has no log (any more).'
    : `The log of this operation is not here. If it was not lost, it is on the host that did it: ${hostId}.`)
}

export interface OperationsOptions {
  db: Db
  logStore: LogStore
  /** The place of an operation in this host's line of jobs, from 1; null when it is not in it. */
  positionOf?: (id: string) => number | null
}

export function createOperations ({ db, logStore, positionOf = () => null }: OperationsOptions): Operations {
  const show = (row: Row<'workspace_operations'>): WorkspaceOperation => ({ ...toOperation(row), queuePosition: row.status === 'queued' ? positionOf(row.id) : null })
  return {
    async get (id) {
      const row = await findOperation(db, id)
      return row === undefined ? null : show(row)
    },
    companyOfWorkspace: async (workspaceId) => await companyOfExecutionWorkspace(db, workspaceId) ?? null,
    async listOfWorkspace (workspaceId, page) {
      return pageOf(await listOperationsOfWorkspace(db, workspaceId, sliceOf(page)), page, show)
    },
    async listOfRun (runId, companyIds, page) {
      return pageOf(await listOperationsOfRun(db, runId, companyIds, sliceOf(page)), page, show)
    },
    async readLog (operation, { offset = 0, limitBytes = defaultLimitBytes }) {
      const { id, logRef } = operation
      // The operation was read before its log: if it had ended then, everything is in the file now.
      const part = logRef === null ? null : await logStore.read(logRef, { offset, limitBytes })
      if (part === null || logRef === null) throw logMissing(operation)
      return {
        operationId: id,
        store: operation.logStore ?? logStore.name,
        logRef,
        content: part.content,
        nextOffset: hasEnded(operation) && part.atEnd ? null : part.nextOffset
      }
    }
  }
}
