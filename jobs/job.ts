import { z } from 'zod'

export const jobStates = ['new', 'running', 'complete', 'error', 'cancelled'] as const
export const JobState = z.enum(jobStates)
export type JobState = z.infer<typeof JobState>

/**
 * How far a running search is, in its own units.
 * `done` goes from 0 to `total` and never back within a phase; `total` is null where it is unknown.
 */
export const Progress = z.object({
  phase: z.string(),
  done: z.number().nonnegative(),
  total: z.number().nonnegative().nullable(),
  unit: z.string(),
})
export type Progress = z.infer<typeof Progress>

/**
 * The whole input of a job: anything that the search's schema accepts; the search parses it again
 * when it runs. The brand keeps a summary's input, cut short, from passing for it.
 */
export const JobInput = z.record(z.string(), z.unknown()).brand<'JobInput'>()
export type JobInput = z.infer<typeof JobInput>

const facts = {
  /** `<shard>-<UUIDv7>`: the id alone tells where the job is kept. */
  id: z.string(),
  userId: z.string(),
  /** The name of the search type. */
  search: z.string(),
  input: JobInput,
  progress: Progress.nullable(),
  /** Rows of the current attempt. */
  rowCount: z.number().int().nonnegative(),
  /** 0 until a worker has started it. */
  attempt: z.number().int().nonnegative(),
  /**
   * Which life of the store numbered this job's events; a `seq` means nothing under another epoch.
   */
  epoch: z.string(),
  /** Number of the job's latest event. */
  seq: z.number().int().nonnegative(),
  createdAt: z.iso.datetime(),
}
const began = z.iso.datetime()
const ended = z.iso.datetime()

/**
 * `message` says to a person why the job ended as it did; an error or a cancellation always has
 * one.
 */
export const Job = z.discriminatedUnion('state', [
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
    startedAt: began,
    finishedAt: z.null(),
  }),
  z.object({
    ...facts,
    state: z.literal('complete'),
    message: z.string().nullable(),
    startedAt: began,
    finishedAt: ended,
  }),
  z.object({
    ...facts,
    state: z.literal('error'),
    message: z.string(),
    startedAt: began.nullable(),
    finishedAt: ended,
  }),
  z.object({
    ...facts,
    state: z.literal('cancelled'),
    message: z.string(),
    startedAt: began.nullable(),
    finishedAt: ended,
  }),
])
export type Job = z.infer<typeof Job>

/** The input of a summary: values over 120 characters are cut short. */
const BriefInput = z.record(z.string(), z.unknown())

const brief = { input: BriefInput }
/** A job whose input's long values are cut short: what lists and feeds carry. */
export const JobSummary = z.discriminatedUnion('state', [
  Job.options[0].extend(brief),
  Job.options[1].extend(brief),
  Job.options[2].extend(brief),
  Job.options[3].extend(brief),
  Job.options[4].extend(brief),
])
export type JobSummary = z.infer<typeof JobSummary>
