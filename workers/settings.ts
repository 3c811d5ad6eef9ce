import { z } from 'zod'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import { commonSettings } from '#jobs/settings.ts'

export const workerSettings = commonSettings.extend({
  /** Searches that one worker process runs at once. */
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(4),
  /** How long running searches may go on after SIGTERM before they are handed to another worker. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  /** Ended jobs are kept for so many days; unset, for ever. */
  ARCHIVE_DAYS: z.coerce.number().positive().max(36_500).optional(),
  /** What all searches of a worker may use together to read the index. */
  INDEX_MEMORY_MB: z.coerce.number().int().min(64).max(1_000_000).default(256),
  INDEX_THREADS: z.coerce.number().int().min(1).max(256).default(2),
  /** What a build of the index may use before it spills to the disk of INDEX_DIR. */
  BUILD_MEMORY_MB: z.coerce.number().int().min(256).max(1_000_000).default(512),
  /** Admins build the index from files in this folder, and from nowhere else. */
  IMPORT_DIR: z.string().min(1).default('.data/import'),
  /** Networks that a crawl may reach besides the public internet: CIDRs, separated by commas. */
  CRAWL_ALLOW_PRIVATE: AllowPrivate,
  /** Where owners of sites learn who crawls them; part of the User-Agent. */
  CRAWL_CONTACT: z
    .string()
    .max(200)
    .regex(/^[\x21-\x7e]+$/, 'an address of a page or of mail, without spaces')
    .optional(),
})
