/** Numbers of a project's `cleanupPolicy`, whose other fields are the client's own. */
import { sql, type RawBuilder } from 'kysely'

/** The fields the service goes by, and the largest value of each that counts: a century. */
export const cleanupPolicyLimits = { archiveIdleAfterSec: 3_153_600_000, retainRescueDays: 36_500, retainLogDays: 36_500 } as const

/** A field of the policy of the project `p` of a query; null where it is no number from 0 to its limit. */
export function cleanupPolicyNumber (name: keyof typeof cleanupPolicyLimits): RawBuilder<number | null> {
  const path = `{cleanupPolicy,${name}}`
  // In a case of its own: only what is known to be a number may be taken for one.
  return sql<number | null>`case when jsonb_typeof(p.execution_workspace_policy #> ${path}::text[]) = 'number'
    then case when (p.execution_workspace_policy #>> ${path}::text[])::numeric between 0 and ${cleanupPolicyLimits[name]}
      then (p.execution_workspace_policy #>> ${path}::text[])::float8 end end`
}
