import { z } from 'zod'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { commonSettings } from '#jobs/settings.ts'

export const workerSettings = commonSettings.extend({
  /** Number of searches that a worker process runs at once. */
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(4),
  /** How long running searches may go on after SIGTERM before they are handed back to the queue. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  /** Days that ended jobs are kept; unset, they are kept forever. */
  ARCHIVE_DAYS: z.coerce.number().positive().max(36_500).optional(),
  /** Memory that all searches of a worker together may use to read the index. */
  INDEX_MEMORY_MB: z.coerce.number().int().min(64).max(1_000_000).default(256),
  INDEX_THREADS: z.coerce.number().int().min(1).max(256).default(2),
  /** Memory that an index build may use before it spills to the disk of INDEX_DIR. */
  BUILD_MEMORY_MB: z.coerce.number().int().min(256).max(1_000_000).default(512),
  /** The only folder whose files admins can build the index from. */
  IMPORT_DIR: z.string().min(1).default('.data/import'),
  /** Networks that a crawl may reach besides the public internet: CIDRs separated by commas. */
  CRAWL_ALLOW_PRIVATE: AllowPrivate,
  /** Where site owners can learn who crawls them; part of the User-Agent. */
  CRAWL_CONTACT: z
    .string()
    .max(200)
    .regex(/^[\x21-\x7e]+$/, 'a URL or an email address, without spaces')
    .optional(),
})
