import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Search } from '#jobs/define-search.ts'
import { bulkDomains } from '#searches/bulk-domains.ts'
import { keywords } from '#searches/keywords.ts'
import { lostLinks } from '#searches/lost-links.ts'
import { inputFacts, inputPhrase } from '../../app/words/input-phrase.ts'

type Described = Pick<Search, 'name' | 'title' | 'description' | 'input' | 'columns'>
/** A search type as the API describes it. */
const typeOf = ({ name, title, description, input, columns }: Described) => ({
  ...{ name, title, description, columns },
  input: z.toJSONSchema(input, { io: 'input' }),
})

test('a list is named by its first line and the number of others', () => {
  const input = { domains: 'a.com\nb.com\n\nc.com\n' }
  expect(inputPhrase(input, typeOf(bulkDomains)).subject).toBe('a.com and 2 more')
  expect(inputFacts(input, typeOf(bulkDomains))).toEqual([
    { label: 'Domains', value: 'a.com and 2 more' },
  ])
  expect(inputPhrase({ domains: 'a.com' }, typeOf(bulkDomains)).subject).toBe('a.com')
  const cut = { domains: `a.com\n${'b.com\n'.repeat(20)}b.c…` }
  expect(inputPhrase(cut, typeOf(bulkDomains)).subject).toBe('a.com and more')
})

test('a title is the value that says what the search is about', () => {
  const type = typeOf(lostLinks)
  expect(inputPhrase({ links: 'a.com/1\na.com/2', domain: 'b.com' }, type)).toEqual({
    subject: 'a.com/1 and 1 more',
    details: ['Your domain: b.com'],
  })
  expect(inputPhrase({ from: 'search', job: '0-abc' }, type)).toEqual({
    subject: '0-abc',
    details: ['Links: an earlier search'],
  })
})

test('options are named where they differ from their defaults', () => {
  const type = typeOf(keywords)
  expect(inputPhrase({ q: 'redis', fold: true, fragments: false, limit: 50 }, type)).toEqual({
    subject: 'redis',
    details: ['Merge variants: yes', 'Limit: 50'],
  })
})
