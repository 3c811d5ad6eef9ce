import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSearch, type Search } from '#jobs/define-search.ts'
import { PassingError, SearchFailed, unforeseen } from '#jobs/errors.ts'
import type { Job } from '#jobs/job.ts'
import { readArchivedJob, readArchivedStack } from '#jobs/postgres/read-archive.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { readRows } from '#jobs/redis/read-job.ts'
import { stopObsoleteRuns } from '#workers/maintain.ts'
import { newJob, newRef } from '../jobs/job-fixture.ts'
import { openTestEnvironment } from './test-environment.ts'

const rows = async function* (count: number) {
  for (let n = 0; n < count; n++) yield { n }
}
const facts = { title: '', description: '', columns: [] }
const noInput = z.object({})
/** Callbacks of the tests, by the name in a search's input: called when that search is aborted. */
const onStop = new Map<string, () => void>()
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
    input: noInput,
    async *run() {
      yield* rows(3)
      throw new SearchFailed('The site is closed on Sundays.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'broken',
    input: noInput,
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
    input: noInput,
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
    input: noInput,
    attempts: 2,
    async *run() {
      yield* rows(1)
      throw new PassingError('The disk is full.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'slow',
    input: noInput,
    timeoutMs: 300,
    async *run(_input, { signal }) {
      yield { n: 0 }
      await aborted(signal)
    },
  }),
  // Yields nothing until it is aborted.
  defineSearch({
    ...facts,
    name: 'silent',
    input: named,
    async *run({ name }, { signal }) {
      await aborted(signal)
      onStop.get(name)?.()
      yield { n: 0 }
    },
  }),
  // Yields forever.
  defineSearch({
    ...facts,
    name: 'endless',
    input: named,
    async *run({ name }, { signal }) {
      aborted(signal).then(() => onStop.get(name)?.())
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

/** Starts a search that reports when it is aborted. */
async function startStoppable(search: 'silent' | 'endless') {
  const name = uuid()
  const stopped = new Promise<void>((resolve) => onStop.set(name, resolve))
  const started = await environment.start(search, { name })
  await started.started(1)
  await expect.poll(() => worker.running.all().some(({ id }) => id === started.id)).toBe(true)
  return { ...started, stopped }
}

/** Ends the record only; the worker gets no message. */
async function cancel(search: { job(): Promise<Job> }): Promise<void> {
  await endJob(
    await search.job(),
    { state: 'cancelled', message: 'Cancelled by Ann.' },
    environment.store,
  )
}

/** Waits until the worker has archived the job. */
async function archivedStack(id: string): Promise<string | null> {
  await expect.poll(() => readArchivedJob(id, environment.db)).not.toBeNull()
  return readArchivedStack(id, environment.db)
}

let environment: Awaited<ReturnType<typeof openTestEnvironment>>
let worker: ReturnType<typeof environment.addWorker>
beforeAll(async () => {
  environment = await openTestEnvironment(searches)
  worker = environment.addWorker()
})
afterAll(() => environment.close())

describe('every ending is recorded', () => {
  test('a search that completes has all its rows and no message', async () => {
    const search = await environment.start('ten-rows', { count: 250 })
    expect(await search.end()).toMatchObject({
      state: 'complete',
      rowCount: 250,
      message: null,
      attempt: 1,
    })
    expect(await search.timeline()).toEqual(['new 0', 'running 1', 'complete 1'])
  })

  test('a search that fails on purpose keeps its own message and its rows', async () => {
    const search = await environment.start('on-purpose')
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: 'The site is closed on Sundays.',
      rowCount: 3,
    })
    expect((await readRows(search.id, { from: 0, limit: 10 }, environment.store))?.rows).toEqual([
      { n: 0 },
      { n: 1 },
      { n: 2 },
    ])
    expect(await archivedStack(search.id)).toBeNull()
  })

  test('an unforeseen error shows no details to users, but its stack to admins', async () => {
    const search = await environment.start('broken')
    expect(await search.end()).toMatchObject({ state: 'error', message: unforeseen, rowCount: 3 })
    expect(unforeseen).not.toContain('secret-host')
    const stack = await archivedStack(search.id)
    expect(stack).toContain('TypeError: secret-host:5432 is not a function')
    expect(stack).toContain('endings.test.ts')
    expect(stack).toContain('Caused by: Error: the root of it')
  })

  test('an attempt that exceeds its timeout is stopped', async () => {
    const search = await environment.start('slow')
    const message = 'The search took longer than 0.3 seconds and was stopped.'
    expect(await search.end()).toMatchObject({ state: 'error', message, rowCount: 1 })
  })

  test('a search of a type that no worker knows waits', async () => {
    const search = await environment.start('from-the-future')
    await (await environment.start('ten-rows', { count: 3 })).end()
    expect(await search.job()).toMatchObject({ state: 'new' })
    await cancel(search)
  })

  test('an input that an upgrade made invalid ends in error', async () => {
    const search = await environment.start('ten-rows', { amount: 3 })
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: expect.stringMatching(
        /^The input is no longer valid \(count: .*\)\. Start a new search\.$/,
      ),
    })
  })

  test('a cancelled run that missed the message stops at its next write', async () => {
    const search = await startStoppable('endless')
    await cancel(search)
    await search.stopped
    const ended = await search.end()
    expect(ended).toMatchObject({ state: 'cancelled', message: 'Cancelled by Ann.' })
    expect((await search.job()).seq).toBe(ended.seq)
  })

  test('a silent cancelled run that missed the message stops at the next pass', async () => {
    const search = await startStoppable('silent')
    await cancel(search)
    await stopObsoleteRuns(worker)
    await search.stopped
    expect(await search.timeline()).toEqual(['new 0', 'running 1', 'cancelled 1'])
  })
})

describe('retries', () => {
  test('a passing error is retried with fresh rows, and the timeline shows each attempt', async () => {
    const search = await environment.start('passes-at-third')
    expect(await search.end()).toMatchObject({ state: 'complete', attempt: 3, rowCount: 2 })
    expect(await search.timeline()).toEqual([
      'new 0',
      'running 1',
      'Attempt 1 failed and will be retried. Busy, 1.',
      'running 2',
      'Attempt 2 failed and will be retried. Busy, 2.',
      'running 3',
      'Third time lucky.',
      'complete 3',
    ])
  })

  test('the rows of a failed attempt stay readable until the next one starts', async () => {
    const search = await environment.start('never-passes')
    await search.noted('Attempt 1 failed')
    expect(await readRows(search.id, { from: 0, limit: 10 }, environment.store)).toMatchObject({
      attempt: 1,
      rows: [{ n: 0 }],
    })
    await search.end()
  })

  test('the last failure ends the job in error and frees its lock', async () => {
    const search = await environment.start('never-passes')
    expect(await search.end()).toMatchObject({
      state: 'error',
      message: 'The disk is full.',
      attempt: 2,
    })
    await newJob(environment.store, newRef(search.search, search.userId))
  })
})

describe('an interrupted run', () => {
  test('is handed back and starts over if its lock is lost', async () => {
    const search = await startStoppable('silent')
    worker.running.lockLost(search.id)
    await search.started(2)
    expect(await search.timeline()).toEqual([
      'new 0',
      'running 1',
      'The worker lost contact with the queue. The search will start over.',
      'running 2',
    ])
    await cancel(search)
    await stopObsoleteRuns(worker)
  })

  test('stops and starts over if it fails to renew its lock', async () => {
    const search = await startStoppable('silent')
    await environment.store.redis.set(
      `{${environment.store.namespace}:0}:bull:silent:${search.id}:lock`,
      'another token',
      'PX',
      6_000,
    )
    await search.stopped
    await search.started(2)
    await cancel(search)
    await stopObsoleteRuns(worker)
  })

  test('starts over if the store was rolled back', async () => {
    const search = await startStoppable('endless')
    // Like a Redis that lost its latest writes: it knows fewer than it has acknowledged.
    await environment.store.redis.hset(
      `{${environment.store.namespace}:0}:job:${search.id}`,
      'n',
      '-7',
    )
    await search.started(2)
    await cancel(search)
    expect(await search.end()).toMatchObject({ state: 'cancelled', attempt: 2 })
  })
})
