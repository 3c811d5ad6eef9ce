import { createRoute, z } from '@hono/zod-openapi'
import type { Search } from '#jobs/define-search.ts'
import { catalog } from '#searches/catalog.ts'
import type { Principal } from '../accounts/authenticate.ts'
import type { Api } from './api-env.ts'
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
  summary: 'The types of search that the caller may start, with their inputs and columns',
  responses: { 200: answers.of('All types', z.object({ searches: z.array(SearchAnswer) })) },
})

/** To whom a type is not offered, it is not there. */
export function mayStart(
  { forAdmins }: Pick<Search, 'forAdmins'>,
  { role }: Pick<Principal, 'role'>,
): boolean {
  return !forAdmins || role === 'admin'
}

export function addSearchRoutes(api: Api): void {
  const types = catalog.map((search) => {
    const { name, title, description, input, columns } = search
    // As people send it: what the schema makes of it is our business.
    return {
      search,
      told: { name, title, description, input: z.toJSONSchema(input, { io: 'input' }), columns },
    }
  })
  api.openapi(list, (c) => {
    const principal = c.get('principal')
    return c.json(
      {
        searches: types.filter(({ search }) => mayStart(search, principal)).map(({ told }) => told),
      },
      200,
    )
  })
}
