import { expect, test } from 'vitest'
import { filterQuery, readFilter } from '#app/live/feed-filter.ts'
import { fits } from '#jobs/feed-filter.ts'
import { job } from '#test/protocol/job-fixture.ts'

test('a filter survives its way through the address', () => {
  for (const filter of [
    {},
    { state: 'running' },
    { search: 'linking-domains' },
    { state: 'error', search: 'a&b=c' },
  ] as const)
    expect(readFilter(new URLSearchParams(filterQuery(filter)))).toEqual({
      state: undefined,
      search: undefined,
      ...filter,
    })
})

test('what is no state is no filter', () => {
  expect(readFilter(new URLSearchParams('state=asleep&search='))).toEqual({
    state: undefined,
    search: undefined,
  })
})

test('a job fits when all that is asked for is so', () => {
  expect(fits(job(), {})).toBe(true)
  expect(fits(job(), { state: 'running', search: 'linking-domains' })).toBe(true)
  expect(fits(job(), { state: 'running', search: 'keywords' })).toBe(false)
  expect(fits(job(), { state: 'complete' })).toBe(false)
})
