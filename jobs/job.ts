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

/** Whatever the search's schema lets through; the search parses it again when it runs. */
const Input = z.record(z.string(), z.unknown())
export type JobInput = z.infer<typeof Input>

const facts = {
  /** `<shard>-<UUIDv7>`: the id alone tells where the job is kept. */
  id: z.string(),
  userId: z.string(),
  /** The name of the search type. */
  search: z.string(),
  input: Input,
  progress: Progress.nullable(),
  /** Rows of the current attempt. */
  rowCount: z.number().int().nonnegative(),
  /** 0 until a worker has started it. */
  attempt: z.number().int().nonnegative(),
  /** Which life of the store numbered this job's events; a `seq` means nothing under another epoch. */
  epoch: z.string(),
  /** Number of the job's latest event. */
  seq: z.number().int().nonnegative(),
  createdAt: z.iso.datetime(),
}
const began = z.iso.datetime()
const ended = z.iso.datetime()

/** `message` says to a person why the job ended as it did; an error or a cancellation always has one. */
export const Job = z.discriminatedUnion('state', [
  z.object({ ...facts, state: z.literal('new'), message: z.null(), startedAt: z.null(), finishedAt: z.null() }),
  z.object({ ...facts, state: z.literal('running'), message: z.null(), startedAt: began, finishedAt: z.null() }),
  z.object({ ...facts, state: z.literal('complete'), message: z.string().nullable(), startedAt: began, finishedAt: ended }),
  z.object({ ...facts, state: z.literal('error'), message: z.string(), startedAt: began.nullable(), finishedAt: ended }),
  z.object({ ...facts, state: z.literal('cancelled'), message: z.string(), startedAt: began.nullable(), finishedAt: ended }),
])
export type Job = z.infer<typeof Job>

/** A job whose input's long values are cut short: what lists and feeds carry. */
export type JobSummary = Job
