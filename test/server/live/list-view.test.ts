import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobSummary } from '#jobs/job.ts'
import { startJob } from '#jobs/redis/attempt.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { unarchivedJobsOf } from '#jobs/redis/job-lists.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { mineLedger } from '#server/live/list-ledger.ts'
import { type ListReader, type ListRules, ListView } from '#server/live/list-view.ts'
import { delivery, jobIn, newJob, newRef, openStore, quietLog } from '../../jobs/job-fixture.ts'
import { type OpenHub, openHub } from './hub-fixture.ts'

const at = new Date()
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

/** The list of one user. Readings can be made slow: what they have read then grows old. */
function openList(fits: ListRules['fits'] = () => true) {
  const { userId } = newRef()
  let slow: Promise<void> | null = null
  let haveRead = () => {}
  const rules: ListRules = {
    ledgers: [mineLedger(userId, store)],
    fits,
    async read() {
      const jobs = await unarchivedJobsOf(userId, store)
      haveRead()
      await slow
      return { jobs, more: false }
    },
    most: 200,
    refillBelow: 0,
  }
  const view = new ListView(rules, { hub: opened.hub, log: quietLog, onEmpty() {} })
  return {
    view,
    async start(search = 'linking-domains'): Promise<JobRef> {
      const ref = await newJob(store, newRef(search, userId))
      await startJob(delivery(ref), at, store)
      return ref
    },
    /** The next reading has read, and is not there before it is let go. */
    slowReading() {
      let letGo = () => {}
      let fail = () => {}
      slow = new Promise((resolve, reject) => {
        letGo = resolve
        fail = () => {
          slow = null
          reject(new Error('Out of reach'))
        }
      })
      const read = new Promise<void>((resolve) => {
        haveRead = resolve
      })
      return { read, letGo: () => letGo(), fail: () => fail() }
    },
  }
}

const end = async (ref: JobRef) =>
  endJob(await jobIn(store, ref.id), { state: 'cancelled', message: 'Cancelled.', at }, store)

/** What a client makes of it: it drops a summary that is older than the one it has. */
function listReader() {
  const shown = new Map<string, JobSummary>()
  let told = 0
  const take = (job: JobSummary) => {
    const known = shown.get(job.id)
    if (!known || known.seq <= job.seq) shown.set(job.id, job)
  }
  const reader: ListReader = {
    frame({ changed, removed }) {
      changed.forEach(take)
      for (const id of removed) shown.delete(id)
      told++
    },
  }
  const answer = ({ jobs }: { jobs: JobSummary[] }) => jobs.forEach(take)
  return { reader, answer, shown, toldTimes: () => told }
}

const isRunning = (job: JobSummary) => job.state === 'running'

test('a list that is read again does not bring back what ended while it was read', async () => {
  const { view, start, slowReading } = openList(isRunning)
  const ref = await start()
  const { reader, answer, shown } = listReader()
  await view.open(reader, answer)
  expect([...shown.keys()]).toEqual([ref.id])

  const reading = slowReading()
  await opened.killDoorbells()
  // Nobody hears of this one: the doorbells take a moment to come back.
  const missed = await start('keywords')
  await reading.read
  await end(ref)
  await expect.poll(() => [...shown.keys()]).toEqual([])
  reading.letGo()
  await expect.poll(() => shown.has(missed.id)).toBe(true)
  const other = await start()
  await expect.poll(() => shown.has(other.id)).toBe(true)
  expect([...shown.keys()]).toEqual([missed.id, other.id])
  view.close(reader)
})

test('what no longer fits before the list is answered is not shown for ever', async () => {
  const { view, start, slowReading } = openList(isRunning)
  const ref = await start()
  const first = listReader()
  await view.open(first.reader, first.answer)

  const second = listReader()
  const reading = slowReading()
  const opening = view.open(second.reader, second.answer)
  await reading.read
  const told = first.toldTimes()
  await end(ref)
  await expect.poll(() => first.toldTimes()).toBeGreaterThan(told)
  expect(second.toldTimes()).toBe(0)
  reading.letGo()
  await opening
  const other = await start()
  await expect.poll(() => second.shown.has(other.id)).toBe(true)
  expect([...second.shown.keys()]).toEqual([other.id])
  view.close(first.reader)
  view.close(second.reader)
})

test('what no longer fits before the very first answer is not shown for ever either', async () => {
  const { view, start, slowReading } = openList(isRunning)
  const ref = await start()
  const { reader, answer, shown } = listReader()
  const reading = slowReading()
  const opening = view.open(reader, answer)
  await reading.read
  await end(ref)
  reading.letGo()
  await opening
  await expect.poll(() => [...shown.keys()]).toEqual([])
  view.close(reader)
})

test('a list that could not be read again is tried again', async () => {
  const { view, start, slowReading } = openList()
  const ref = await start()
  const { reader, answer, shown } = listReader()
  await view.open(reader, answer)
  const reading = slowReading()
  // Nobody hears it: the doorbells take a moment to come back.
  await opened.killDoorbells()
  await end(ref)
  await reading.read
  reading.fail()
  await expect.poll(() => shown.get(ref.id)?.state).toBe('cancelled')
  view.close(reader)
})
