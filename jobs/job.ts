import { z } from 'zod'

export const jobStates = ['new', 'running', 'complete', 'error', 'cancelled'] as const
export const JobState = z.enum(jobStates)
export type JobState = z.infer<typeof JobState>

/**
 * Progress of a running search, in units of its own.
 * `done` rises from 0 to `total` and never falls within a phase; `total` is null if unknown.
 */
export const Progress = z.object({
  phase: z.string(),
  done: z.number().nonnegative(),
  total: z.number().nonnegative().nullable(),
  unit: z.string(),
})
export type Progress = z.infer<typeof Progress>

/**
 * The whole input of a job. Only its search knows the schema, and parses it again at each run. The
 * brand keeps a summary's shortened input from being passed as the whole one.
 */
export const JobInput = z.record(z.string(), z.unknown()).brand<'JobInput'>()
export type JobInput = z.infer<typeof JobInput>

/** An input with its long values cut short: texts over 120 characters, lists over 5 items. */
const ShortInput = z.record(z.string(), z.unknown())

/** `message` says why the job ended; an error or a cancellation always has one. */
function jobWithInput<Input extends z.ZodType>(input: Input) {
  const facts = {
    /** `<shard>-<UUIDv7>`: the id alone locates the job. */
    id: z.string(),
    userId: z.string(),
    /** The name of the search type. */
    search: z.string(),
    input,
    progress: Progress.nullable(),
    /** Rows of the current attempt. */
    rowCount: z.number().int().nonnegative(),
    /** Whether rows of the current attempt have changed since they were yielded. */
    patched: z.boolean().optional(),
    /** 0 until a worker starts it. */
    attempt: z.number().int().nonnegative(),
    /** The lifetime of the store that numbered the events; a `seq` counts only under its epoch. */
    epoch: z.string(),
    /** Number of the job's latest event. */
    seq: z.number().int().nonnegative(),
    createdAt: z.iso.datetime(),
  }
  const startedAt = z.iso.datetime()
  const finishedAt = z.iso.datetime()
  return z.discriminatedUnion('state', [
    z.object({
      ...facts,
      state: z.literal('new'),
      message: z.null(),
      startedAt: z.null(),
      finishedAt: z.null(),
    }),
    z.object({
      ...facts,
      state: z.literal('running'),
      message: z.null(),
      startedAt,
      finishedAt: z.null(),
    }),
    z.object({
      ...facts,
      state: z.literal('complete'),
      message: z.string().nullable(),
      startedAt,
      finishedAt,
    }),
    z.object({
      ...facts,
      state: z.literal('error'),
      message: z.string(),
      startedAt: startedAt.nullable(),
      finishedAt,
    }),
    z.object({
      ...facts,
      state: z.literal('cancelled'),
      message: z.string(),
      startedAt: startedAt.nullable(),
      finishedAt,
    }),
  ])
}

export const Job = jobWithInput(JobInput)
export type Job = z.infer<typeof Job>

/** A job as lists and feeds carry it: long values of its input are cut short. */
export const JobSummary = jobWithInput(ShortInput)
export type JobSummary = z.infer<typeof JobSummary>
