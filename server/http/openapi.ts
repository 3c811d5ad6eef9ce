import { z } from '@hono/zod-openapi'
import { Job } from '#jobs/job.ts'
import { ErrorAnswer } from '#protocol/errors.ts'

const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } })

// Importing zod-openapi gives `openapi` to schemas that are made afterwards, clones included.
/** The OpenAPI document names these two; all other shapes stand where they are used. */
const NamedJob = Job.clone().openapi('Job')
const NamedError = ErrorAnswer.clone().openapi('Error')

/** Answers of a route, from the schemas of protocol/. */
export const answers = {
  job: (description: string) => ({ description, content: json(z.object({ job: NamedJob })) }),
  of: <Schema extends z.ZodType>(description: string, schema: Schema) => ({
    description,
    content: json(schema),
  }),
  error: (description: string) => ({ description, content: json(NamedError) }),
}

export const JobId = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' } }),
})
