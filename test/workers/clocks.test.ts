import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineSearch } from '#jobs/define-search.ts'
import { PassingError } from '#jobs/errors.ts'
import { readLog } from '#jobs/redis/read-job.ts'
import { openTestEnvironment } from './test-environment.ts'

const facts = { title: '', description: '', columns: [] }
const attempts = new Map<string, number>()
const twoHoursMs = 2 * 60 * 60_000

const searches = [
  defineSearch({
    ...facts,
    name: 'second-time-lucky',
    input: z.object({ name: z.string() }),
    async *run({ name }, { note }) {
      const attempt = (attempts.get(name) ?? 0) + 1
      attempts.set(name, attempt)
      note(`This is attempt ${attempt}.`)
      yield { attempt }
      if (attempt === 1) throw new PassingError('The disk was busy.')
    },
  }),
  // Longer than the queue's lock, which must be renewed.
  defineSearch({
    ...facts,
    name: 'long',
    input: z.object({}),
    async *run() {
      for (let second = 0; second < 11; second++) {
        yield { second }
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    },
  }),
]

let environment: Awaited<ReturnType<typeof openTestEnvironment>>
beforeAll(async () => {
  environment = await openTestEnvironment(searches)
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(() => environment.close())

function shiftClock(ms: number): void {
  const real = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => real() + ms)
}

/** All moments of the job, in the order in which they must be. */
async function momentsOf(
  id: string,
  job: { createdAt: string; startedAt: string | null; finishedAt: string | null },
) {
  const events = ((await readLog(id, environment.store)) ?? []).map(
    ({ data }) => z.object({ at: z.string() }).parse(JSON.parse(data)).at,
  )
  expect(events).toEqual([...events].sort())
  expect(events[0]).toBe(job.createdAt)
  expect(events.at(-1)).toBe(job.finishedAt)
  expect(events).toContain(job.startedAt)
  return events
}

describe.each([
  ['ahead', twoHoursMs],
  ['behind', -twoHoursMs],
])('a worker whose clock is two hours %s', (_name, offset) => {
  test('retries in time, and the moments of the job are in order', async () => {
    const now = Date.now()
    shiftClock(offset)
    environment.addWorker('skewed:1')
    const search = await environment.start('second-time-lucky', { name: `${offset}` })
    const job = await search.end()
    expect(job).toMatchObject({ state: 'complete', attempt: 2 })
    for (const at of await momentsOf(search.id, job))
      expect(Math.abs(Date.parse(at) - now)).toBeLessThan(twoHoursMs / 2)
    await environment.closeWorkers()
  })

  test('keeps its lock on a job that takes longer', async () => {
    shiftClock(offset)
    environment.addWorker('skewed:1')
    const search = await environment.start('long')
    const job = await search.end()
    expect(job).toMatchObject({ state: 'complete', attempt: 1, rowCount: 11 })
    await momentsOf(search.id, job)
    await environment.closeWorkers()
  })
})
