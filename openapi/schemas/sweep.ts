/** One round of the sweeper: what it did, or would do, to each workspace it looked at. */
import { Type, type Static } from '@sinclair/typebox'
import { NullableUuid, Timestamp, closed, nullableString, ref, stringEnum } from './kit.ts'

export const sweepRules = ['cleanup_eligible_at', 'archive_idle', 'retry_cleanup', 'retain_rescue_days', 'stray'] as const
export const sweepOutcomes = ['archived', 'cleanup_failed', 'rescue_dropped', 'would_archive', 'would_drop_rescue', 'stray_noted', 'stray_removed', 'would_remove_stray', 'skipped'] as const

export const SweepItem = Type.Object({
  workspaceId: { ...NullableUuid, description: 'null for what no workspace knows (`stray`).' },
  companyId: NullableUuid,
  path: nullableString({ description: 'Of a stray: the folder in the data dir, or the archive that it is kept in.' }),
  name: Type.String(),
  rule: stringEnum(sweepRules, { description: 'Why it was looked at.' }),
  outcome: stringEnum(sweepOutcomes),
  reason: Type.String({ description: 'In words: the rule, or what stands in its way.' }),
  operationId: NullableUuid
}, { $id: 'SweepItem' })

export const SweepReport = Type.Object({
  dryRun: Type.Boolean(),
  startedAt: Timestamp,
  finishedAt: Timestamp,
  diskBytes: Type.Integer({ description: 'Room that all workspaces of this host take on the disk, as they were measured last.' }),
  items: Type.Array(ref(SweepItem), { description: 'One for each workspace that a rule speaks of now, for each worktree or folder in the data dir that no workspace knows, and for each archive of one whose time is over.' })
}, { $id: 'SweepReport' })

export const SweepQuery = Type.Object({
  dryRun: Type.Optional(Type.Boolean({ default: false, description: 'Only say what would be done.' }))
}, closed)

export type SweepRule = Static<typeof SweepItem>['rule']
export type SweepItem = Static<typeof SweepItem>
export type SweepReport = Static<typeof SweepReport>
