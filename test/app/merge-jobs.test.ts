import { expect, test } from 'vitest'
import { mergeJobs, replaceJobs, takeInNewest } from '#app/live/merge-jobs.ts'
import { job } from '#test/protocol/job-fixture.ts'

const made = (id: string, second: number, changes = {}) =>
  job({ id, createdAt: `2026-03-01T10:00:0${second}.000Z`, ...changes })
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id)

test('the newest come first', () => {
  expect(ids(mergeJobs([made('a', 1)], [made('c', 3), made('b', 2)]))).toEqual(['c', 'b', 'a'])
})

test('what is older than what is held is dropped', () => {
  const held = mergeJobs([], [made('a', 1, { seq: 5, rowCount: 9 })])
  expect(mergeJobs(held, [made('a', 1, { seq: 4, rowCount: 3 })])).toEqual(held)
})

test('with the same seq the later word counts, for it may know more of the progress', () => {
  const progress = { phase: 'Reading', done: 7, total: 16, unit: 'shards' }
  const held = mergeJobs([], [made('a', 1, { seq: 5 })])
  expect(mergeJobs(held, [made('a', 1, { seq: 5, progress })])[0]?.progress).toEqual(progress)
})

test('under a new epoch a lower seq counts', () => {
  const held = mergeJobs([], [made('a', 1, { seq: 5 })])
  expect(mergeJobs(held, [made('a', 1, { epoch: 'e2', seq: 3 })])[0]).toMatchObject({
    epoch: 'e2',
    seq: 3,
  })
})

test('removed jobs go', () => {
  expect(ids(mergeJobs([made('a', 1), made('b', 2)], [], ['a']))).toEqual(['b'])
})

test('what was deleted while we were away goes; older pages stay', () => {
  const held = mergeJobs([], [made('old', 1), made('b', 2), made('deleted', 3), made('d', 4)])
  expect(ids(takeInNewest(held, [made('e', 5), made('d', 4), made('b', 2)]))).toEqual([
    'e',
    'd',
    'b',
    'old',
  ])
})

test('an empty list means that there are no jobs', () => {
  expect(takeInNewest([made('a', 1)], [])).toEqual([])
})

test('a list that was just read takes the place of the one held, but for what is newer there', () => {
  const held = mergeJobs([], [made('a', 1, { seq: 9 }), made('b', 2), made('gone', 3)])
  const replaced = replaceJobs(held, [
    made('c', 4),
    made('b', 2, { seq: 3 }),
    made('a', 1, { seq: 8 }),
  ])
  expect(replaced.map(({ id, seq }) => [id, seq])).toEqual([
    ['c', 2],
    ['b', 3],
    ['a', 9],
  ])
})
