import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { catalog, findSearch } from '#searches/catalog.ts'

const folder = join(import.meta.dirname, '../../searches')

test('every file in searches/ is in the catalog under the name of its file', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'catalog.ts')
  expect(catalog.map((search) => `${search.name}.ts`).sort()).toEqual(files.sort())
})

test('a search is found by its name, and nothing by another', () => {
  for (const search of catalog) expect(findSearch(search.name)).toBe(search)
  expect(findSearch('toString')).toBeUndefined()
})

test.each(catalog.map((search) => [search.name, search] as const))(
  '%s says enough of itself for a form and a table',
  (name, search) => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/)
    const schema = z.toJSONSchema(search.input, { io: 'input' })
    for (const field of Object.values(schema.properties ?? {})) {
      expect(field).toMatchObject({ title: expect.any(String), description: expect.any(String) })
    }
    for (const column of search.columns) expect(column.help, column.key).toMatch(/^[A-Z].*\.$/)
    expect(new Set(search.columns.map((column) => column.key)).size).toBe(search.columns.length)
  },
)
