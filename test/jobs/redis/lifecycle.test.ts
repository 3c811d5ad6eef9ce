import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AlreadyRunning, IdempotencyMismatch, TooManyWaiting, WriteRefused } from '#jobs/errors.ts'
import { type JobState, jobStates } from '#jobs/job.ts'
import { moves } from '#jobs/lifecycle.ts'
import { endAttempt, startJob, writeRun } from '#jobs/redis/attempt.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { findUnarchived } from '#jobs/redis/find-jobs.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { keys } from '#jobs/redis/keys.ts'
import { readJob, readLog, readRows } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import type { RunWrite } from '#jobs/run-write.ts'
import { delivery, jobIn, newJob, newRef, openStore, roomy } from '../job-fixture.ts'

let store: JobStore & { close(): void }
beforeAll(async () => {
  store = await openStore()
})
afterAll(() => store.close())

const at = new Date('2026-01-02T03:04:05.678Z')
const rowsEvent = (from: number, count: number, attempt = 1) => ({
  type: 'rows' as const,
  data: JSON.stringify({
    at,
    attempt,
    from,
    rows: Array.from({ length: count }, (_, i) => ({ n: from + i })),
  }),
  rows: count,
})
const write = (n: number, more: Partial<RunWrite> = {}): RunWrite => ({
  attempt: 1,
  n,
  events: [],
  progress: null,
  ending: null,
  attemptOver: false,
  ...more,
})
const note = (text: string, attempt: number) => ({
  type: 'note' as const,
  data: JSON.stringify({ at, attempt, text }),
  rows: 0,
})
const complete = (n: number, attempt = 1): RunWrite =>
  write(n, {
    attempt,
    events: [{ type: 'state', data: JSON.stringify({ at, state: 'complete', attempt }), rows: 0 }],
    ending: { state: 'complete', message: null, stack: null },
  })
const cancel = async (id: string) =>
  endJob(await jobIn(store, id), { state: 'cancelled', message: 'Cancelled by Ann.' }, store)

/** Tries to move the job to a state with the script for that move. @returns whether it moved */
async function tryMove(ref: JobRef, to: JobState): Promise<boolean> {
  const before = await jobIn(store, ref.id)
  if (to === 'new') {
    await createJob({ ...ref, input: {}, createdAt: at }, roomy, store)
    return (await jobIn(store, ref.id)).seq > before.seq
  }
  if (to === 'running') return (await startJob(delivery(ref, before.attempt + 1), store)) !== null
  if (to === 'complete') {
    return writeRun(ref, complete(1, before.attempt), store).then(
      () => before.state === 'running',
      () => false,
    )
  }
  return (await endJob(before, { state: to, message: 'why' }, store)) === 'ended'
}

async function jobInState(state: JobState): Promise<JobRef> {
  const ref = await newJob(store)
  if (state === 'running' || state === 'complete') await startJob(delivery(ref), store)
  if (state === 'complete') await writeRun(ref, complete(1), store)
  if (state === 'error' || state === 'cancelled')
    await endJob(await jobIn(store, ref.id), { state, message: 'why' }, store)
  return ref
}

describe('the scripts and the table of moves agree', () => {
  for (const from of jobStates) {
    for (const to of jobStates) {
      const allowed = moves[from].includes(to)
      test(`${from} → ${to} is ${allowed ? 'applied' : 'refused'}`, async () => {
        const ref = await jobInState(from)
        expect(await tryMove(ref, to)).toBe(allowed)
        expect((await jobIn(store, ref.id)).state).toBe(allowed ? to : from)
      })
    }
  }
})

describe('one active job per user and type', () => {
  test('one of 200 simultaneous starts creates a job, and the others get its id', async () => {
    const userId = newRef().userId
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, () =>
        createJob({ ...newRef('linking-domains', userId), input: {}, createdAt: at }, roomy, store),
      ),
    )
    const created = results.filter((result) => result.status === 'fulfilled')
    expect(created).toHaveLength(1)
    const id = created[0]?.value.id
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject(new AlreadyRunning(id ?? ''))
    }
    expect(await findUnarchived({ userId, limit: 100 }, store)).toHaveLength(1)
  })

  test('other types and other users are not blocked', async () => {
    const ref = await newJob(store)
    await newJob(store, newRef('keywords', ref.userId))
    await newJob(store, newRef(ref.search))
  })

  test('creating the same id again is harmless', async () => {
    const ref = await newJob(store)
    await newJob(store, ref)
    expect((await jobIn(store, ref.id)).seq).toBe(1)
  })

  test.each(['complete', 'error', 'cancelled'] as const)(
    'the lock is free when the job is %s',
    async (state) => {
      const ref = await jobInState(state)
      await newJob(store, newRef(ref.search, ref.userId))
    },
  )

  test('a repeated ending does not free the lock of a later job', async () => {
    const first = await newJob(store)
    await cancel(first.id)
    const second = await newJob(store, newRef(first.search, first.userId))
    await cancel(first.id)
    expect(
      await store.redis.get(
        keys.lock({ namespace: store.namespace, number: 0 }, first.userId, first.search),
      ),
    ).toBe(second.id)
  })
})

describe('limits of waiting jobs', () => {
  test('at the limit for all users, starts are refused until a job has started', async () => {
    const own = await openStore()
    try {
      const start = (ref = newRef()) =>
        createJob({ ...ref, input: {}, createdAt: at }, { inAll: 3, perUser: 100 }, own)
      const first = newRef()
      await start(first)
      await start()
      await start()
      await expect(start()).rejects.toMatchObject(new TooManyWaiting('all'))
      await startJob(delivery(first), own)
      await start()
      await expect(start()).rejects.toThrow(TooManyWaiting)
      expect(await countJobs(own)).toMatchObject({ new: 3, running: 1 })
    } finally {
      own.close()
    }
  })

  test('at the limit for one user, only that user’s starts are refused', async () => {
    const limits = { inAll: 10_000, perUser: 2 }
    const { userId } = newRef()
    const start = async (ref: JobRef) => {
      await createJob({ ...ref, input: {}, createdAt: at }, limits, store)
      return ref
    }
    const first = await start(newRef('a', userId))
    await start(newRef('b', userId))
    await expect(start(newRef('c', userId))).rejects.toMatchObject(new TooManyWaiting('yours'))
    await start(newRef('c'))
    await cancel(first.id)
    await start(newRef('c', userId))
  })

  test('a refused start leaves no keys', async () => {
    const own = await openStore()
    try {
      const ref = newRef()
      await expect(
        createJob({ ...ref, input: {}, createdAt: at }, { inAll: 0, perUser: 1 }, own),
      ).rejects.toThrow(TooManyWaiting)
      const remaining = await own.redis.keys(`{${own.namespace}:0}:*`)
      expect(remaining).toEqual([`{${own.namespace}:0}:shard`])
    } finally {
      own.close()
    }
  })
})

describe('idempotency keys', () => {
  test('repeating a key and request returns the same job, even after it has ended', async () => {
    const ref = newRef()
    const idempotency = { key: 'k', fingerprint: 'same' }
    await createJob({ ...ref, input: {}, createdAt: at, idempotency }, roomy, store)
    await cancel(ref.id)
    const again = await createJob(
      { ...newRef(ref.search, ref.userId), input: {}, createdAt: at, idempotency },
      roomy,
      store,
    )
    expect(again).toEqual({ id: ref.id, replayed: true })
  })

  test('a known key with a different request is refused', async () => {
    const ref = newRef()
    await createJob(
      { ...ref, input: {}, createdAt: at, idempotency: { key: 'k', fingerprint: 'one' } },
      roomy,
      store,
    )
    const other = {
      ...newRef(ref.search, ref.userId),
      input: {},
      createdAt: at,
      idempotency: { key: 'k', fingerprint: 'other' },
    }
    await expect(createJob(other, roomy, store)).rejects.toThrow(IdempotencyMismatch)
  })
})

describe('the fence', () => {
  test('an earlier delivery can neither write nor start after a later one', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref, 1), store)
    await startJob(delivery(ref, 2), store)
    await expect(writeRun(ref, write(1), store)).rejects.toThrow(WriteRefused)
    expect(await startJob(delivery(ref, 1), store)).toBeNull()
    await writeRun(ref, write(1, { attempt: 2 }), store)
  })

  test('a repeated start gets the same answer, but not with another token', async () => {
    const ref = await newJob(store)
    const first = await startJob(delivery(ref, 1, 'a'), store)
    expect(await startJob(delivery(ref, 1, 'a'), store)).toEqual(first)
    expect(await startJob(delivery(ref, 1, 'b'), store)).toBeNull()
    expect((await jobIn(store, ref.id)).seq).toBe(2)
  })

  test('a repeated write is applied once; a write that skips a number is refused', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref), store)
    const first = write(1, { events: [rowsEvent(0, 3)] })
    await writeRun(ref, first, store)
    await writeRun(ref, first, store)
    expect(await jobIn(store, ref.id)).toMatchObject({ rowCount: 3, seq: 3 })
    await expect(writeRun(ref, write(3), store)).rejects.toThrow(WriteRefused)
  })

  test('a repeated ending is applied once', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref), store)
    await writeRun(ref, complete(1), store)
    await writeRun(ref, complete(1), store)
    expect(await jobIn(store, ref.id)).toMatchObject({ state: 'complete', seq: 3 })
  })

  test('a cancelled job accepts no writes', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref), store)
    await cancel(ref.id)
    await expect(writeRun(ref, write(1, { events: [rowsEvent(0, 1)] }), store)).rejects.toThrow(
      WriteRefused,
    )
    expect(await jobIn(store, ref.id)).toMatchObject({
      state: 'cancelled',
      rowCount: 0,
      message: 'Cancelled by Ann.',
    })
  })

  test('an ending based on a stale reading is refused', async () => {
    const ref = await newJob(store)
    const stale = await jobIn(store, ref.id)
    await startJob(delivery(ref), store)
    expect(await endJob(stale, { state: 'error', message: 'lost' }, store)).toBe('changed')
  })
})

describe('why an attempt is over', () => {
  test('a start names the previous worker only if its attempt ended without a note', async () => {
    const ref = await newJob(store)
    expect(await startJob(delivery(ref, 1), store)).toMatchObject({ lostWorker: null })
    expect(await startJob({ ...delivery(ref, 2), worker: 'test:2' }, store)).toMatchObject({
      lostWorker: 'test:1',
    })
    await writeRun(
      ref,
      write(1, { attempt: 2, attemptOver: true, events: [note('Handed back.', 2)] }),
      store,
    )
    expect(await startJob(delivery(ref, 3), store)).toMatchObject({ lostWorker: null })
  })

  test('it is noted once from outside, and not again by the next worker', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref, 1), store)
    const job = await jobIn(store, ref.id)
    expect(await endAttempt(job, { why: 'Lost.', worker: 'test:1' }, store)).toBe('noted')
    expect(await endAttempt(job, { why: 'Lost.', worker: 'test:1' }, store)).toBe('already_noted')
    expect(await startJob(delivery(ref, 2), store)).toMatchObject({ lostWorker: null })
    expect(await endAttempt(job, { why: 'Lost.', worker: 'test:1' }, store)).toBe('changed')
  })
})

describe('a store that was rolled back', () => {
  test('refuses the writes of a run whose acknowledged writes it has lost', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref), store)
    await expect(writeRun(ref, write(3), store)).rejects.toMatchObject({ why: 'rolled_back' })
    await expect(writeRun(ref, write(1, { attempt: 2 }), store)).rejects.toMatchObject({
      why: 'rolled_back',
    })
    const never = await newJob(store)
    await expect(writeRun(never, write(1), store)).rejects.toMatchObject({ why: 'rolled_back' })
  })
})

describe('rows', () => {
  test('any page can be read, whichever events hold its rows', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref), store)
    await writeRun(ref, write(1, { events: [rowsEvent(0, 3), rowsEvent(3, 1)] }), store)
    await writeRun(ref, write(2, { events: [rowsEvent(4, 5)] }), store)
    const page = await readRows(ref.id, { from: 2, limit: 4 }, store)
    expect(page).toEqual({
      attempt: 1,
      from: 2,
      rowCount: 9,
      rows: [{ n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }],
    })
    expect((await readRows(ref.id, { from: 9, limit: 4 }, store))?.rows).toEqual([])
    expect((await readRows(ref.id, { from: 0, limit: 100 }, store))?.rows).toHaveLength(9)
  })

  test('the next attempt starts without rows', async () => {
    const ref = await newJob(store)
    await startJob(delivery(ref, 1), store)
    await writeRun(ref, write(1, { events: [rowsEvent(0, 3)] }), store)
    await startJob(delivery(ref, 2), store)
    expect(await readRows(ref.id, { from: 0, limit: 10 }, store)).toEqual({
      attempt: 2,
      from: 0,
      rowCount: 0,
      rows: [],
    })
  })
})

describe('positions', () => {
  test('a reader that is a little behind gets the missed events in order', async () => {
    const ref = await newJob(store)
    const { epoch } = await jobIn(store, ref.id)
    await startJob(delivery(ref), store)
    await writeRun(ref, write(1, { events: [rowsEvent(0, 2), rowsEvent(2, 2)] }), store)
    const reading = await readJob(ref.id, { epoch, seq: 1 }, store)
    if (reading?.mode !== 'replay') throw new Error('expected a replay')
    expect(reading.events.map(({ seq, type }) => [seq, type])).toEqual([
      [2, 'state'],
      [3, 'rows'],
      [4, 'rows'],
    ])
  })

  test('a reader from another epoch, ahead of the log, or far behind gets a snapshot', async () => {
    const ref = await newJob(store)
    const { epoch } = await jobIn(store, ref.id)
    await startJob(delivery(ref), store)
    expect((await readJob(ref.id, { epoch: 'other', seq: 1 }, store))?.mode).toBe('snapshot')
    expect((await readJob(ref.id, { epoch, seq: 9 }, store))?.mode).toBe('snapshot')
    await writeRun(
      ref,
      write(1, { events: Array.from({ length: 301 }, (_, i) => rowsEvent(i, 1)) }),
      store,
    )
    expect((await readJob(ref.id, { epoch, seq: 1 }, store))?.mode).toBe('snapshot')
  })

  test('events are numbered 1, 2, 3…', async () => {
    const ref = await jobInState('complete')
    expect((await readLog(ref.id, store))?.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })
})

test('counts follow every move and every deletion', async () => {
  const own = await openStore()
  try {
    const ref = await newJob(own)
    await newJob(own)
    await startJob(delivery(ref), own)
    expect(await countJobs(own)).toMatchObject({ new: 1, running: 1, complete: 0 })
    await writeRun(ref, complete(1), own)
    expect(await countJobs(own)).toMatchObject({ new: 1, running: 0, complete: 1 })
    await deleteJob(await jobIn(own, ref.id), { counted: true }, own)
    expect(await countJobs(own)).toMatchObject({ new: 1, running: 0, complete: 0 })
    expect(await readJob(ref.id, null, own)).toBeNull()
  } finally {
    own.close()
  }
})
