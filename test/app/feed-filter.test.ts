import { expect, test } from 'vitest'
import { filterQuery, readFilter } from '#app/live/feed-filter.ts'
import { fits } from '#jobs/feed-filter.ts'
import { job } from '#test/protocol/job-fixture.ts'

test('a filter survives the round trip through the URL', () => {
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

test('an unknown state is ignored', () => {
  expect(readFilter(new URLSearchParams('state=asleep&search='))).toEqual({
    state: undefined,
    search: undefined,
  })
})

test('a job must match every part of the filter', () => {
  expect(fits(job(), {})).toBe(true)
  expect(fits(job(), { state: 'running', search: 'linking-domains' })).toBe(true)
  expect(fits(job(), { state: 'running', search: 'keywords' })).toBe(false)
  expect(fits(job(), { state: 'complete' })).toBe(false)
})
