/** Upkeep of the whole instance: a round of the sweeper. */
import { SweepQuery, SweepReport } from '../openapi/schemas/sweep.ts'
import { answer, noSettings, problem } from '../openapi/schemas/responses.ts'
import type { App } from './app.ts'

const sweep = {
  operationId: 'sweep',
  tags: ['maintenance'],
  summary: 'Run a round of the sweeper',
  description: 'Archives workspaces whose `cleanupEligibleAt` has passed or that were idle longer than their project allows (`cleanupPolicy.archiveIdleAfterSec`), tries failed clean-ups again with growing pauses, and drops rescue snapshots past their time (`cleanupPolicy.retainRescueDays`; without it they stay). It runs by itself too (`BERTH_SWEEP_INTERVAL_SEC`). Worktrees and folders in the data dir that no workspace knows are noted, and rescued and removed after `BERTH_ORPHAN_GRACE_SEC`; repositories of their own there are only told. What such folders are kept in goes after `retainRescueDays` of their project, else `BERTH_RETAIN_STRAY_DAYS`. What is blocked is skipped, and why is written into `cleanupReason`. Only of this host; for instance admins.',
  querystring: SweepQuery,
  body: noSettings,
  response: {
    200: answer(SweepReport, 'What was done, or with `dryRun=true` what would be done.'),
    409: problem(409, 'Another round is under way.')
  }
}

export default async function (app: App): Promise<void> {
  app.post('/maintenance/sweep', { schema: sweep }, async ({ actor, query }) => await app.sweeper.sweep(actor, query))
}
