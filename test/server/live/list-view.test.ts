import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobSummary } from '#jobs/job.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { findUnarchived } from '#jobs/redis/find-jobs.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { ownJobsLedger } from '#server/live/list-ledger.ts'
import { type ListReader, type ListRules, ListView } from '#server/live/list-view.ts'
import { quietLog } from '#test/quiet-log.ts'
import { delivery, jobIn, newJob, newRef, openStore } from '../../jobs/job-fixture.ts'
import { type OpenHub, openHub } from './hub-fixture.ts'

let store: JobStore & { close(): void }
let opened: OpenHub
beforeAll(async () => {
  store = await openStore()
  opened = openHub(store)
})
afterAll(() => {
  opened.close()
  store.close()
})

/** The list of one user. A read can be delayed, so that its result is outdated when it returns. */
function openList(fits: ListRules['fits'] = () => true) {
  const { userId } = newRef()
  let delay: Promise<void> | null = null
  let onRead = () => {}
  const rules: ListRules = {
    ledgers: [ownJobsLedger(userId, store)],
    fits,
    async read() {
      const jobs = await findUnarchived({ userId, limit: 100 }, store)
      onRead()
      await delay
      return { jobs, more: false }
    },
    maxJobs: 200,
    refillBelow: 0,
  }
  const view = new ListView(rules, {
    hub: opened.hub,
    now: () => performance.now(),
    log: quietLog,
    onEmpty() {},
  })
  return {
    view,
    async start(search = 'linking-domains'): Promise<JobRef> {
      const ref = await newJob(store, newRef(search, userId))
      await startJob(delivery(ref), store)
      return ref
    },
    /** Delays the result of the next read until `release` or `fail`; `read` resolves before. */
    delayNextRead() {
      let release = () => {}
      let fail = () => {}
      delay = new Promise((resolve, reject) => {
        release = resolve
        fail = () => {
          delay = null
          reject(new Error('Out of reach'))
        }
      })
      const read = new Promise<void>((resolve) => {
        onRead = resolve
      })
      return { read, release: () => release(), fail: () => fail() }
    },
  }
}

const end = async (ref: JobRef) =>
  endJob(await jobIn(store, ref.id), { state: 'cancelled', message: 'Cancelled.' }, store)

/** A client's copy of the list. It ignores a summary older than the one it has. */
function listReader() {
  const shown = new Map<string, JobSummary>()
  let frames = 0
  const take = (job: JobSummary) => {
    const known = shown.get(job.id)
    if (!known || known.seq <= job.seq) shown.set(job.id, job)
  }
  const reader: ListReader = {
    frame({ changed, removed }) {
      changed.forEach(take)
      for (const id of removed) shown.delete(id)
      frames++
    },
  }
  const answer = ({ jobs }: { jobs: JobSummary[] }) => jobs.forEach(take)
  return { reader, answer, shown, frameCount: () => frames }
}

const isRunning = (job: JobSummary) => job.state === 'running'

test('re-reading a list does not bring back a job that ended during the read', async () => {
  const { view, start, delayNextRead } = openList(isRunning)
  const ref = await start()
  const { reader, answer, shown } = listReader()
  await view.open(reader, answer)
  expect([...shown.keys()]).toEqual([ref.id])

  const reading = delayNextRead()
  await opened.killSubscriber()
  // Its message is lost: the subscriber takes a moment to reconnect.
  const missed = await start('keywords')
  await reading.read
  await end(ref)
  await expect.poll(() => [...shown.keys()]).toEqual([])
  reading.release()
  await expect.poll(() => shown.has(missed.id)).toBe(true)
  const other = await start()
  await expect.poll(() => shown.has(other.id)).toBe(true)
  expect([...shown.keys()]).toEqual([missed.id, other.id])
  view.close(reader)
})

test('a job that stops fitting before a reader is answered does not stay in its list', async () => {
  const { view, start, delayNextRead } = openList(isRunning)
  const ref = await start()
  const first = listReader()
  await view.open(first.reader, first.answer)

  const second = listReader()
  const reading = delayNextRead()
  const opening = view.open(second.reader, second.answer)
  await reading.read
  const framesBefore = first.frameCount()
  await end(ref)
  await expect.poll(() => first.frameCount()).toBeGreaterThan(framesBefore)
  expect(second.frameCount()).toBe(0)
  reading.release()
  await opening
  const other = await start()
  await expect.poll(() => second.shown.has(other.id)).toBe(true)
  expect([...second.shown.keys()]).toEqual([other.id])
  view.close(first.reader)
  view.close(second.reader)
})

test('a job that stops fitting before the very first answer does not stay in the list', async () => {
  const { view, start, delayNextRead } = openList(isRunning)
  const ref = await start()
  const { reader, answer, shown } = listReader()
  const reading = delayNextRead()
  const opening = view.open(reader, answer)
  await reading.read
  await end(ref)
  reading.release()
  await opening
  await expect.poll(() => [...shown.keys()]).toEqual([])
  view.close(reader)
})

test('a failed re-read of a list is retried', async () => {
  const { view, start, delayNextRead } = openList()
  const ref = await start()
  const { reader, answer, shown } = listReader()
  await view.open(reader, answer)
  const reading = delayNextRead()
  // The message is lost: the subscriber takes a moment to reconnect.
  await opened.killSubscriber()
  await end(ref)
  await reading.read
  reading.fail()
  await expect.poll(() => shown.get(ref.id)?.state).toBe('cancelled')
  view.close(reader)
})
