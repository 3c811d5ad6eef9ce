import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Job, JobInput } from '#jobs/job.ts'
import type { Waiting } from '#jobs/waiting.ts'
import type { Hub } from '#server/live/hub.ts'
import { ListFrame } from '#server/live/list-frame.ts'
import { LiveEvent } from '#server/live/live-event.ts'
import { Outbox } from '#server/live/outbox.ts'

const job = (id: string, seq: number, created = 0): Job => ({
  id,
  userId: 'u',
  search: 's',
  input: JobInput.parse({}),
  progress: null,
  rowCount: 0,
  attempt: 1,
  epoch: 'e',
  seq,
  createdAt: new Date(Date.UTC(2026, 0, 1) + created).toISOString(),
  state: 'running',
  message: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
})

/** An outbox on a connection whose frames are flushed when the test says so. */
function openOutbox({
  writable = true,
  top = 0,
  snapshot = async (id: string): Promise<Job | null> => job(id, top),
} = {}) {
  const sent: unknown[] = []
  let onWritable = () => {}
  let now = 0
  let finished = 0
  let closed = 0
  const write = (frame: unknown) => {
    expect(connection.writable).toBe(true)
    connection.writable = false
    sent.push(frame)
  }
  const connection = {
    writable,
    onWritable: (callback: () => void) => {
      onWritable = callback
    },
    events: (events: readonly LiveEvent[]) =>
      write(events.map(({ seq, data }) => seq ?? JSON.parse(data))),
    resync: ({ id, seq }: Job) => write(`resync ${id} ${seq}`),
    list: (name: string, { changed, removed }: ListFrame) =>
      write({ [name]: changed.map(({ seq }) => seq), removed }),
    waiting: (id: string, { ahead }: Waiting) => write(`waiting ${id} ${ahead}`),
    revoked: (id: string, code: string) => void sent.push(`revoked ${id} ${code}`),
    close: () => {
      closed++
    },
    finished: () => {
      finished++
    },
  }
  const hub: Pick<Hub, 'watch'> = {
    async watch(_reader, id, _since, answer) {
      const state = await snapshot(id)
      answer(state && { mode: 'snapshot', state })
    },
  }
  const outbox = new Outbox(connection, { hub, now: () => now })
  outbox.watched.add('a')
  /** Flushes frame after frame until no more come. */
  const drain = async () => {
    for (let before = -1; before !== sent.length; ) {
      before = sent.length
      connection.writable = true
      onWritable()
      await setImmediate()
    }
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { outbox, sent, drain, connection, pass, finished: () => finished, closed: () => closed }
}

const rows = (seq: number, bytes = 10, id = 'a') =>
  new LiveEvent(id, seq, 'rows', JSON.stringify('x'.repeat(bytes)))
const patch = (seq: number, changes: [index: number, text: string][]) =>
  new LiveEvent(
    'a',
    seq,
    'patch',
    JSON.stringify({
      at: '2026-01-01T00:00:00.000Z',
      attempt: 1,
      rows: changes.map(([index, text]) => [index, { text }]),
    }),
  )
const progress = (done: number, id = 'a') =>
  new LiveEvent(id, null, 'progress', JSON.stringify(`at ${done}`))
const state = (seq: number, id = 'a') => new LiveEvent(id, seq, 'state', '{}')

const waiting = (ahead: number): Waiting => ({
  ahead,
  more: false,
  startsInMs: null,
  reason: null,
})

describe('an outbox', () => {
  test('tells of every waiting job, though each frame awaits the one before', async () => {
    const { outbox, sent, drain } = openOutbox()
    for (const id of ['a', 'b', 'c']) outbox.waiting(id, waiting(2))
    outbox.waiting('c', waiting(1))
    await drain()
    expect(sent).toEqual(['waiting a 2', 'waiting b 2', 'waiting c 1'])
  })

  test('tells what a job waits for only after its watch is acknowledged', async () => {
    const { outbox, sent, drain } = openOutbox()
    outbox.hold(['a'])
    outbox.waiting('a', waiting(1))
    await drain()
    expect(sent).toEqual([])
    outbox.release(['a'])
    expect(sent).toEqual(['waiting a 1'])
  })

  test('does not tell what a job waited for once it has started or is forgotten', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.waiting('a', waiting(1))
    outbox.waiting('b', waiting(1))
    outbox.event(state(2))
    outbox.forget('b')
    await drain()
    expect(sent).toEqual([[2]])
  })

  test('writes at once while nothing is pending', () => {
    const { outbox, sent } = openOutbox()
    outbox.event(rows(1))
    expect(sent).toEqual([[1]])
  })

  test('writes nothing until the previous frame is flushed, then all pending events in one frame', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.event(rows(1))
    outbox.event(rows(2))
    expect(sent).toEqual([])
    await drain()
    expect(sent).toEqual([[1, 2]])
  })

  test('sends only the latest progress, and none after an ending', async () => {
    const { outbox, sent, drain, connection } = openOutbox({ writable: false })
    outbox.event(progress(1))
    outbox.event(progress(2))
    await drain()
    expect(sent).toEqual([['at 2']])
    connection.writable = false
    outbox.event(progress(3))
    outbox.event(state(1))
    await drain()
    expect(sent[1]).toEqual([1])
  })

  test('replaces more than 256 KB of a job by one resync, followed only by later events', async () => {
    const { outbox, sent, drain, connection } = openOutbox({ writable: false, top: 4 })
    for (let seq = 1; seq <= 3; seq++) outbox.event(rows(seq, 100_000))
    outbox.event(rows(4))
    await drain()
    connection.writable = false
    outbox.event(rows(5))
    await drain()
    expect(sent).toEqual(['resync a 4', [5]])
  })

  test('replaces more than 1 MB of all jobs by resyncs', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false, top: 2 })
    for (let n = 0; n < 11; n++) outbox.event(rows(1, 100_000, `job-${n}`))
    outbox.event(rows(2, 10, 'job-11'))
    await drain()
    expect(sent.filter((frame) => typeof frame === 'string')).toHaveLength(11)
    expect(sent).toContainEqual([2])
  })

  test('retries a failed snapshot, because the job may have ended', async () => {
    let reads = 0
    const snapshot = async (id: string) => {
      if (reads++ === 0) throw new Error('Redis is away')
      return job(id, 9)
    }
    const { outbox, sent, drain } = openOutbox({ writable: false, snapshot })
    outbox.event(rows(1, 300_000))
    await drain()
    await expect.poll(() => sent).toEqual(['resync a 9'])
  })

  test('revokes a job that was deleted meanwhile', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false, snapshot: async () => null })
    outbox.event(rows(1, 300_000))
    await drain()
    expect(sent).toEqual(['revoked a not_found'])
    expect(outbox.watched.has('a')).toBe(false)
  })

  test('interleaves jobs, so that a large one does not delay the others', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    for (let seq = 1; seq <= 4; seq++) outbox.event(rows(seq, 50_000))
    outbox.event(rows(101, 10, 'b'))
    await drain()
    expect(sent).toEqual([
      [1, 2],
      [101, 3, 4],
    ])
  })

  test('closes a connection that takes nothing for 30 seconds', () => {
    const { outbox, closed, pass } = openOutbox({ writable: false })
    outbox.check()
    pass(29_000)
    outbox.check()
    expect(closed()).toBe(0)
    pass(2_000)
    outbox.check()
    expect(closed()).toBe(1)
  })

  test('keeps a connection that takes something now and then', async () => {
    const { outbox, closed, pass, drain, connection } = openOutbox({ writable: false })
    outbox.check()
    pass(29_000)
    await drain()
    connection.writable = false
    outbox.check()
    pass(29_000)
    outbox.check()
    expect(closed()).toBe(0)
  })

  test('holds a job’s events until all its watches are acknowledged', async () => {
    const { outbox, sent } = openOutbox()
    outbox.hold(['a'])
    outbox.hold(['a'])
    outbox.event(rows(1))
    outbox.release(['a'])
    expect(sent).toEqual([])
    outbox.release(['a'])
    expect(sent).toEqual([[1]])
  })

  test('merges the pending frames of a list: the latest state of the newest 200 jobs', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.list('jobs', new ListFrame([job('a', 1), job('b', 1)], []))
    outbox.list('jobs', new ListFrame([job('a', 2)], ['b']))
    await drain()
    expect(sent).toEqual([{ jobs: [2], removed: ['b'] }])
    const { outbox: slow, sent: slowSent, drain: drainSlow } = openOutbox({ writable: false })
    for (let n = 0; n < 300; n++) slow.list('feed', new ListFrame([job(`job-${n}`, n, n)], []))
    await drainSlow()
    const newest = Array.from({ length: 200 }, (_, i) => 299 - i)
    expect(slowSent).toEqual([{ feed: newest, removed: [] }])
  })

  test('is finished once nothing is watched and all pending events are written', async () => {
    const { outbox, drain, finished, connection } = openOutbox({ writable: false })
    outbox.event(state(1))
    outbox.closed('a', null)
    expect(finished()).toBe(0)
    await drain()
    expect(finished()).toBeGreaterThan(0)
    connection.writable = false
  })

  describe('of changed rows', () => {
    test('sends a slow client only the latest change of each row, without gaps', async () => {
      const { outbox, connection, drain } = openOutbox({ writable: false })
      outbox.knowsPatches = true
      const received: [number | null, unknown][] = []
      const written = connection.events
      connection.events = (events) => {
        for (const { seq, type, data } of events)
          received.push([seq, type === 'patch' ? JSON.parse(data).rows : type])
        written(events)
      }
      outbox.event(rows(1))
      outbox.event(
        patch(2, [
          [0, 'a'],
          [1, 'b'],
        ]),
      )
      outbox.event(patch(3, [[1, 'c']]))
      outbox.event(rows(4))
      outbox.event(
        patch(5, [
          [0, 'd'],
          [2, 'e'],
        ]),
      )
      await drain()
      expect(received).toEqual([
        [1, 'rows'],
        [2, []],
        [3, [[1, { text: 'c' }]]],
        [4, 'rows'],
        [
          5,
          [
            [0, { text: 'd' }],
            [2, { text: 'e' }],
          ],
        ],
      ])
      outbox.event(patch(6, [[0, 'f']]))
      await drain()
      expect(received.at(-1)).toEqual([6, [[0, { text: 'f' }]]])
    })

    test('any number of changes of the same rows never makes a client stale', async () => {
      const { outbox, sent, drain } = openOutbox({ writable: false })
      outbox.knowsPatches = true
      for (let seq = 1; seq <= 2_000; seq++) outbox.event(patch(seq, [[seq % 10, 'x'.repeat(200)]]))
      await drain()
      expect(sent.flat()).toEqual(Array.from({ length: 2_000 }, (_, n) => n + 1))
    })

    test('sends a client that does not know them a resync in their place', async () => {
      const { outbox, sent, drain } = openOutbox({ top: 3 })
      outbox.event(rows(1))
      await drain()
      outbox.event(patch(2, [[0, 'a']]))
      outbox.event(patch(3, [[0, 'b']]))
      await drain()
      expect(sent).toEqual([[1], 'resync a 3'])
    })
  })
})
