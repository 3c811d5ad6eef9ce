import { expect, test } from 'vitest'
import { newestFirst, type SortKey } from '#jobs/newest-first.ts'

const key = (id: string, createdAt: string): SortKey => ({ id, createdAt })
const old = key('0-c', '2026-01-01T00:00:00.000Z')
const young = key('0-b', '2026-01-02T00:00:00.000Z')
const twin = key('0-a', young.createdAt)
const jobs = [old, young, twin]

test('the newest job comes first, and the larger id first among jobs of one moment', () => {
  expect(jobs.toSorted(newestFirst)).toEqual([young, twin, old])
  expect(jobs.toReversed().toSorted(newestFirst)).toEqual([young, twin, old])
})

test('only a job and itself compare as equal', () => {
  for (const a of jobs)
    for (const b of jobs) {
      expect(newestFirst(a, b) === 0).toBe(a.id === b.id)
      expect(newestFirst(a, b)).toBe(0 - newestFirst(b, a))
    }
  expect(newestFirst(young, { ...young })).toBe(0)
})
