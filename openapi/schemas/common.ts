/** Path parameters, headers and paging that many routes share. */
import { Type } from '@sinclair/typebox'
import { Cursor, Limit, Uuid, closed } from './kit.ts'

export const CompanyParams = Type.Object({ companyId: Uuid }, closed)
export const IdParams = Type.Object({ id: Uuid }, closed)
export const RunParams = Type.Object({ runId: Uuid }, closed)

export const PageQuery = Type.Object({ limit: Limit, cursor: Cursor }, closed)

/** Headers of a list: where its next page is. */
export const LinkHeader = {
  Link: { type: 'string', description: 'The next page, `<…>; rel="next"`; absent on the last one.' }
} as const

/** What a page of a list is inside the service: the items, and the cursor of the next page if there is one. */
export interface Page<T> {
  items: T[]
  nextCursor: string | null
}
