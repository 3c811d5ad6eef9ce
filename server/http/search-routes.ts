import { createRoute, z } from '@hono/zod-openapi'
import { catalog } from '#searches/catalog.ts'
import type { Api } from './api.ts'
import { answers } from './schemas.ts'

const Column = z.object({
  key: z.string(),
  label: z.string(),
  type: z.enum(['text', 'number', 'date', 'url', 'domain', 'boolean']),
  unit: z.string().optional(),
  help: z.string().optional(),
})
const SearchAnswer = z
  .object({
    name: z.string(),
    title: z.string(),
    description: z.string(),
    input: z.record(z.string(), z.unknown()).openapi({ description: 'JSON Schema of the input.' }),
    columns: z.array(Column),
  })
  .openapi('Search')

const list = createRoute({
  method: 'get',
  path: '/api/searches',
  summary: 'The types of search, with their inputs and columns',
  responses: { 200: answers.of('All types', z.object({ searches: z.array(SearchAnswer) })) },
})

export function addSearchRoutes(api: Api): void {
  const searches = catalog.map(({ name, title, description, input, columns }) => ({
    name,
    title,
    description,
    // As people send it: what the schema makes of it is our business.
    input: z.toJSONSchema(input, { io: 'input' }),
    columns,
  }))
  api.openapi(list, (c) => c.json({ searches }, 200))
}
