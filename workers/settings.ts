import { z } from 'zod'
import { commonSettings } from '#jobs/settings.ts'

export const workerSettings = commonSettings.extend({
  /** Searches that one worker process runs at once. */
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(4),
  /** How long running searches may go on after SIGTERM before they are handed to another worker. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  /** Ended jobs are kept for so many days; unset, for ever. */
  ARCHIVE_DAYS: z.coerce.number().positive().max(36_500).optional(),
})
