import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Job } from '#jobs/job.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { Hub, type JobReader } from '#server/live/hub.ts'
import type { LiveEvent } from '#server/live/live-event.ts'
import { quietLog } from '#test/quiet-log.ts'
import { delivery, newJob, openStore } from '../../jobs/job-fixture.ts'
import { type OpenHub, openHub } from './hub-fixture.ts'

let store: JobStore & { close(): void }
let opened: OpenHub
let hub: Hub
beforeAll(async () => {
  store = await openStore()
  opened = openHub(store)
  hub = opened.hub
})
afterAll(() => {
  opened.close()
  store.close()
})

const at = new Date()
const rows = (n: number) => ({
  type: 'rows' as const,
  data: JSON.stringify({ at, attempt: 1, from: n, rows: [{ n }] }),
  rows: 1,
})
const write = (ref: JobRef, n: number) =>
  writeRun(
    ref,
    { attempt: 1, n, events: [rows(n - 1)], progress: null, ending: null, attemptOver: false },
    store,
  )
const complete = (ref: JobRef, n: number) =>
  writeRun(
    ref,
    {
      attempt: 1,
      n,
      events: [
        { type: 'state', data: JSON.stringify({ at, state: 'complete', attempt: 1 }), rows: 0 },
      ],
      progress: null,
      attemptOver: false,
      ending: { state: 'complete', message: null, stack: null },
    },
    store,
  )

/** Records the seqs of the events and the resyncs that it receives. */
function recordingReader() {
  const seen: number[] = []
  const resyncs: Job[] = []
  let ended = () => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  const reader: JobReader = {
    event: (event: LiveEvent) => {
      if (event.seq !== null) seen.push(event.seq)
    },
    resync: (job) => resyncs.push(job),
    closed: () => ended(),
  }
  return { reader, seen, resyncs, end }
}

/** A hub whose reads the test can delay. `hold` returns a function that releases them. */
function slowHub(delay: 'before the read' | 'after the read') {
  let held: Promise<void> = Promise.resolve()
  const slow = new Hub({
    store,
    subscriber: opened.subscriber,
    log: quietLog,
    async read(id, since) {
      if (delay === 'before the read') await held
      const reading = await readJob(id, since, store)
      await held
      return reading
    },
  })
  const hold = () => {
    let release = () => {}
    held = new Promise((resolve) => {
      release = resolve
    })
    return () => release()
  }
  return { slow, hold }
}

const counting = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('the answer precedes the first event; all later events follow once and in order', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  const { reader, seen, end } = recordingReader()
  const order: string[] = []
  let answeredSeq = 0
  const watching = hub.watch(
    {
      ...reader,
      event(event) {
        order.push('event')
        reader.event(event)
      },
    },
    ref.id,
    null,
    (reading) => {
      order.push('answer')
      answeredSeq = reading?.state.seq ?? 0
      return true
    },
  )
  const writing = (async () => {
    for (let n = 1; n <= 50; n++) await write(ref, n)
    await complete(ref, 51)
  })()
  await Promise.all([watching, writing, end])
  expect(order[0]).toBe('answer')
  expect(seen).toEqual(counting(answeredSeq + 1, 53))
})

test('events stay complete and ordered while the subscriber is killed again and again', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  const readers = Array.from({ length: 5 }, recordingReader)
  const answeredSeqs: number[] = []
  for (const { reader } of readers) {
    await hub.watch(reader, ref.id, null, (reading) => {
      answeredSeqs.push(reading?.state.seq ?? 0)
      return true
    })
  }
  for (let n = 1; n <= 400; n++) {
    await write(ref, n)
    if (n % 40 === 0) await opened.killSubscriber()
  }
  // The last event is published during the outage, and no later event reveals its loss.
  await opened.killSubscriber()
  await complete(ref, 401)
  await Promise.all(readers.map(({ end }) => end))
  for (const [i, { seen, resyncs }] of readers.entries()) {
    const last = resyncs.at(-1)
    if (last) expect(last.state).toBe('complete')
    else expect(seen).toEqual(counting((answeredSeqs[i] ?? 0) + 1, 403))
  }
  expect(hub.size).toBe(0)
})

test('a returning reader gets the events that it missed', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  await write(ref, 1)
  const epoch = (await readJob(ref.id, null, store))?.job.epoch ?? ''
  const { reader } = recordingReader()
  const replayed: (number | null)[] = []
  await hub.watch(reader, ref.id, { epoch, seq: 1 }, (reading) => {
    if (reading?.mode === 'replay') replayed.push(...reading.events.map(({ seq }) => seq))
    return true
  })
  expect(replayed).toEqual([2, 3])
  hub.unwatch(reader, ref.id)
  expect(hub.size).toBe(0)
})

test('a reader whose first read is under way when the job ends gets the end and is closed', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  const { slow, hold } = slowHub('after the read')
  const first = recordingReader()
  await slow.watch(first.reader, ref.id, null, () => true)
  const release = hold()
  const late = recordingReader()
  const watching = slow.watch(late.reader, ref.id, null, () => true)
  // On the same connection, so the late reader's own read is answered first.
  await readJob(ref.id, null, store)
  await complete(ref, 1)
  await first.end
  release()
  await Promise.all([watching, late.end])
  expect(late.seen).toEqual([3])
  expect(slow.size).toBe(0)
})

test('a watch of an unknown job is answered null and leaves no topic', async () => {
  const { reader } = recordingReader()
  const answers: unknown[] = []
  await hub.watch(reader, '0-019a8c1e-7d1c-7b6e-9d0a-2f6f0d1b7c11', null, (reading) => {
    answers.push(reading)
    return true
  })
  await hub.watch(reader, 'nonsense', null, (reading) => {
    answers.push(reading)
    return true
  })
  expect(answers).toEqual([null, null])
  expect(hub.size).toBe(0)
})

test('after a snapshot, a slow reader gets the later events and none that the snapshot holds', async () => {
  const ref = await newJob(store)
  await startJob(delivery(ref), store)
  const { slow, hold } = slowHub('before the read')
  const { reader, seen, resyncs, end } = recordingReader()
  await slow.watch(reader, ref.id, null, () => true)
  const release = hold()
  // As an outbox does for stale events. The events below are in the ledger before the read, and
  // their messages arrive before it too.
  const again = slow.watch(reader, ref.id, null, (reading) => {
    if (reading) reader.resync(reading.state)
    return true
  })
  for (let n = 1; n <= 3; n++) await write(ref, n)
  release()
  await again
  await write(ref, 4)
  await complete(ref, 5)
  await end
  const from = resyncs.at(-1)?.seq ?? 0
  expect(from).toBeGreaterThanOrEqual(5)
  expect(seen).toEqual(counting(from + 1, 7))
})
