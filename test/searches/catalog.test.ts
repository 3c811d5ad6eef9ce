import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { catalog, findSearch } from '#searches/catalog.ts'

const folder = join(import.meta.dirname, '../../searches')

test('the catalog has every search type in searches/, named as its file', () => {
  const notSearches = ['catalog.ts', 'search-tools.ts']
  const files = readdirSync(folder).filter(
    (file) => file.endsWith('.ts') && !notSearches.includes(file),
  )
  expect(catalog.map((search) => `${search.name}.ts`).sort()).toEqual(files.sort())
})

test('findSearch finds each search by its name and nothing else', () => {
  for (const search of catalog) expect(findSearch(search.name)).toBe(search)
  expect(findSearch('toString')).toBeUndefined()
})

test.each(catalog.map((search) => [search.name, search] as const))(
  '%s describes every input field and column',
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
