import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSearch, type Search } from '#jobs/define-search.ts'
import { PassingError, SearchFailed, unforeseen } from '#jobs/errors.ts'
import type { Job } from '#jobs/job.ts'
import { readArchivedJob, readArchivedStack } from '#jobs/postgres/read-archive.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { readRows } from '#jobs/redis/read-job.ts'
import { stopVainRuns } from '#workers/maintain.ts'
import { newJob, newRef } from '../jobs/job-fixture.ts'
import { openWorkshop } from './workshop.ts'

const rows = async function* (count: number) {
  for (let n = 0; n < count; n++) yield { n }
}
const facts = { title: '', description: '', columns: [] }
const anything = z.object({})
/** Told by a search when it hears that it should stop, under the name that the test gave it. */
const stopped = new Map<string, () => void>()
const named = z.object({ name: z.string() })

const searches: Search[] = [
  defineSearch({
    ...facts,
    name: 'ten-rows',
    input: z.object({ count: z.number() }),
    run: ({ count }) => rows(count),
  }),
  defineSearch({
    ...facts,
    name: 'on-purpose',
    input: anything,
    async *run() {
      yield* rows(3)
      throw new SearchFailed('The site is closed on Sundays.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'broken',
    input: anything,
    async *run() {
      yield* rows(3)
      throw new TypeError('secret-host:5432 is not a function', {
        cause: new Error('the root of it'),
      })
    },
  }),
  defineSearch({
    ...facts,
    name: 'passes-at-third',
    input: anything,
    attempts: 3,
    async *run(_input, { note }) {
      yield* rows(2)
      const attempt = (attempts.get('passes-at-third') ?? 0) + 1
      attempts.set('passes-at-third', attempt)
      if (attempt < 3) throw new PassingError(`Busy, ${attempt}.`)
      note('Third time lucky.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'never-passes',
    input: anything,
    attempts: 2,
    async *run() {
      yield* rows(1)
      throw new PassingError('The disk is full.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'slow',
    input: anything,
    timeoutMs: 300,
    async *run(_input, { signal }) {
      yield { n: 0 }
      await aborted(signal)
    },
  }),
  // Says nothing until it is told to stop.
  defineSearch({
    ...facts,
    name: 'silent',
    input: named,
    async *run({ name }, { signal }) {
      await aborted(signal)
      stopped.get(name)?.()
      yield { n: 0 }
    },
  }),
  // Yields for ever.
  defineSearch({
    ...facts,
    name: 'endless',
    input: named,
    async *run({ name }, { signal }) {
      aborted(signal).then(() => stopped.get(name)?.())
      for (let n = 0; ; n++) {
        yield { n }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }),
]
const attempts = new Map<string, number>()

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Starts one of the searches that tell when they stop. */
async function startTelling(search: 'silent' | 'endless') {
  const name = uuid()
  const stops = new Promise<void>((resolve) => stopped.set(name, resolve))
  const started = await workshop.start(search, { name })
  await started.begun(1)
  return { ...started, stops }
}

async function cancel(search: { job(): Promise<Job> }): Promise<void> {
  await endJob(
    await search.job(),
    { state: 'cancelled', message: 'Cancelled by Ann.', at: new Date() },
    workshop.store,
  )
}

/** Once the worker has put it there. */
async function archivedStack(id: string): Promise<string | null> {
  await expect.poll(() => readArchivedJob(id, workshop.db)).not.toBeNull()
  return readArchivedStack(id, workshop.db)
}

let workshop: Awaited<ReturnType<typeof openWorkshop>>
let worker: ReturnType<typeof workshop.addWorker>
beforeAll(async () => {
  workshop = await openWorkshop(searches)
  worker = workshop.addWorker()
})
afterAll(() => workshop.close())

describe('every ending is told', () => {
  test('complete', async () => {
    const search = await workshop.start('ten-rows', { count: 250 })
    expect(await search.end()).toMatchObject({
      state: 'complete',
      rowCount: 250,
      message: null,
      attempt: 1,
    })
    expect(await search.timeline()).toEqual(['new 0', 'running 1', 'complete 1'])
  })

  test('a search that fails on purpose says so in its own words, and what it found stays readable', async () => {
    const search = await workshop.start('on-purpose')
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: 'The site is closed on Sundays.',
      rowCount: 3,
    })
    expect((await readRows(search.id, { from: 0, limit: 10 }, workshop.store))?.rows).toEqual([
      { n: 0 },
      { n: 1 },
      { n: 2 },
    ])
    expect(await archivedStack(search.id)).toBeNull()
  })

  test('an error that nobody foresaw is told without its details; admins find where it came from', async () => {
    const search = await workshop.start('broken')
    expect(await search.end()).toMatchObject({ state: 'error', message: unforeseen, rowCount: 3 })
    expect(unforeseen).not.toContain('secret-host')
    const stack = await archivedStack(search.id)
    expect(stack).toContain('TypeError: secret-host:5432 is not a function')
    expect(stack).toContain('endings.test.ts')
    expect(stack).toContain('Caused by: Error: the root of it')
  })

  test('an attempt that takes too long is stopped', async () => {
    const search = await workshop.start('slow')
    const message = 'The search took longer than 0.3 seconds and was stopped.'
    expect(await search.end()).toMatchObject({ state: 'error', message, rowCount: 1 })
  })

  test('a type that this installation does not have', async () => {
    const search = await workshop.start('from-the-future')
    const message = 'This installation has no search of the type “from-the-future”.'
    expect(await search.end()).toMatchObject({ state: 'error', message })
  })

  test('an input that no longer fits after an upgrade', async () => {
    const search = await workshop.start('ten-rows', { amount: 3 })
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: expect.stringMatching(/^Its input no longer fits: count: /),
    })
  })

  test('cancelled, by whom, and the run of a worker that was not told stops at its next write', async () => {
    const search = await startTelling('endless')
    await cancel(search)
    await search.stops
    const ended = await search.end()
    expect(ended).toMatchObject({ state: 'cancelled', message: 'Cancelled by Ann.' })
    expect((await search.job()).seq).toBe(ended.seq)
  })

  test('the run of a worker that was not told and writes nothing is stopped by the next pass', async () => {
    const search = await startTelling('silent')
    await cancel(search)
    await stopVainRuns(worker)
    await search.stops
    expect(await search.timeline()).toEqual(['new 0', 'running 1', 'cancelled 1'])
  })
})

describe('retries', () => {
  test('an error that may pass is tried again, with fresh rows, and each attempt is in the timeline', async () => {
    const search = await workshop.start('passes-at-third')
    expect(await search.end()).toMatchObject({ state: 'complete', attempt: 3, rowCount: 2 })
    expect(await search.timeline()).toEqual([
      'new 0',
      'running 1',
      'Attempt 1 failed and another one will follow: Busy, 1.',
      'running 2',
      'Attempt 2 failed and another one will follow: Busy, 2.',
      'running 3',
      'Third time lucky.',
      'complete 3',
    ])
  })

  test('between two attempts the rows of the first stay readable', async () => {
    const search = await workshop.start('never-passes')
    await search.noted('Attempt 1 failed')
    expect(await readRows(search.id, { from: 0, limit: 10 }, workshop.store)).toMatchObject({
      attempt: 1,
      rows: [{ n: 0 }],
    })
    await search.end()
  })

  test('after the last attempt it ends in error with the reason, and its lock is free', async () => {
    const search = await workshop.start('never-passes')
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: 'The disk is full.',
      attempt: 2,
    })
    await newJob(workshop.store, newRef(search.search, search.userId))
  })
})

describe('a run that lost touch', () => {
  test('with its lock is handed back and run again', async () => {
    const search = await startTelling('silent')
    worker.running.lockLost(search.id)
    await search.begun(2)
    expect(await search.timeline()).toEqual([
      'new 0',
      'running 1',
      'The worker lost touch with the queue; the search will be run again from its beginning.',
      'running 2',
    ])
    await cancel(search)
    await stopVainRuns(worker)
  })

  test('with its lock for good: the renewal that fails stops it, and the job is run again', async () => {
    const search = await startTelling('silent')
    await workshop.store.redis.set(
      `{${workshop.store.namespace}:0}:bull:searches:${search.id}:lock`,
      'somebody else',
      'PX',
      6_000,
    )
    await search.stops
    await search.begun(2)
    await cancel(search)
    await stopVainRuns(worker)
  })

  test('with a store that was rolled back is run again from its beginning', async () => {
    const search = await startTelling('endless')
    // As after a Redis that lost its last moments: it knows of fewer writes than it had
    // acknowledged.
    await workshop.store.redis.hset(`{${workshop.store.namespace}:0}:job:${search.id}`, 'n', '-7')
    await search.begun(2)
    await cancel(search)
    expect(await search.end()).toMatchObject({ state: 'cancelled', attempt: 2 })
  })
})
