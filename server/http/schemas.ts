import { z } from '@hono/zod-openapi'
import { JobState, Progress } from '#jobs/job.ts'

/** The shapes of answers, for the OpenAPI document. */
export const JobAnswer = z
  .object({
    id: z.string(),
    userId: z.string(),
    search: z.string(),
    input: z.record(z.string(), z.unknown()),
    state: JobState,
    message: z.string().nullable().openapi({ description: 'Why it ended so, for people.' }),
    progress: Progress.nullable(),
    rowCount: z.number(),
    attempt: z.number(),
    epoch: z.string(),
    seq: z.number(),
    createdAt: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
  })
  .openapi('Job')

export const ErrorAnswer = z
  .object({
    error: z.looseObject({
      code: z.string(),
      message: z.string(),
      jobId: z.string().optional(),
      issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    }),
  })
  .openapi('Error')

export const RowsAnswer = z.object({
  attempt: z.number(),
  from: z.number(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  rowCount: z.number(),
})

const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })

export const answers = {
  job: (description: string) => ({ description, content: json(z.object({ job: JobAnswer })) }),
  of: <Schema extends z.ZodType>(description: string, schema: Schema) => ({
    description,
    content: json(schema),
  }),
  error: (description: string) => ({ description, content: json(ErrorAnswer) }),
}

export const JobId = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' } }),
})
