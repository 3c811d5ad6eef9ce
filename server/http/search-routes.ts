import { createRoute, z } from '@hono/zod-openapi'
import type { Search } from '#jobs/define-search.ts'
import { SearchTypes } from '#protocol/answers.ts'
import { catalog } from '#searches/catalog.ts'
import type { Principal } from '../accounts/authenticate.ts'
import type { Api } from './api-env.ts'
import { answers } from './openapi.ts'

const list = createRoute({
  method: 'get',
  path: '/api/searches',
  summary: 'The types of search that the caller may start, with their inputs and columns',
  responses: { 200: answers.of('All types', SearchTypes) },
})

/** A type for admins doesn't exist for anyone else. */
export function mayStart(
  { forAdmins }: Pick<Search, 'forAdmins'>,
  { role }: Pick<Principal, 'role'>,
): boolean {
  return !forAdmins || role === 'admin'
}

export function addSearchRoutes(api: Api): void {
  const types = catalog.map((search) => {
    const { name, title, description, input, columns, order } = search
    // `io: 'input'`: the schema of what people send, before defaults and transforms.
    const schema = z.toJSONSchema(input, { io: 'input' })
    return { search, type: { name, title, description, input: schema, columns, order } }
  })
  api.openapi(list, (c) => {
    const offered = types.filter(({ search }) => mayStart(search, c.get('principal')))
    return c.json({ searches: offered.map(({ type }) => type) }, 200)
  })
}
