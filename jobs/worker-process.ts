import { z } from 'zod'

const count = z.number().int().nonnegative()

/** What a worker process reports about itself. */
export const WorkerFacts = z.object({
  /** `<host>:<pid>`, as in the events of its runs. */
  name: z.string(),
  /** Of Searchlight. */
  version: z.string(),
  /** By its own clock. */
  startedAt: z.iso.datetime(),
  /** Memory of the whole process, in bytes. */
  rssBytes: count,
  /** The types of search that it runs. */
  searches: z.array(
    z.object({
      name: z.string(),
      /** How many of them it runs at once. */
      slots: count,
    }),
  ),
  /** Ids of the jobs that it runs. */
  running: z.array(z.string()),
})
export type WorkerFacts = z.infer<typeof WorkerFacts>

/** A worker process that is alive. */
export const WorkerProcess = WorkerFacts.extend({
  /** Its latest report, by the clock of Redis. */
  seenAt: z.iso.datetime(),
})
export type WorkerProcess = z.infer<typeof WorkerProcess>
