import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Job, JobInput } from '#jobs/job.ts'
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

/** A connection that leaves when the test says so. */
function openOutbox({
  writable = true,
  top = 0,
  snapshot = async (id: string): Promise<Job | null> => job(id, top),
} = {}) {
  const sent: unknown[] = []
  let onWritable = () => {}
  let now = 0
  let finished = 0
  let givenUp = 0
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
    revoked: (id: string, code: string) => void sent.push(`revoked ${id} ${code}`),
    giveUp: () => {
      givenUp++
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
  /** The frame before leaves, and the next, until nothing more comes. */
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
  return { outbox, sent, drain, connection, pass, finished: () => finished, givenUp: () => givenUp }
}

const rows = (seq: number, bytes = 10, id = 'a') =>
  new LiveEvent(id, seq, 'rows', JSON.stringify('x'.repeat(bytes)))
const progress = (done: number, id = 'a') =>
  new LiveEvent(id, null, 'progress', JSON.stringify(`at ${done}`))
const state = (seq: number, id = 'a') => new LiveEvent(id, seq, 'state', '{}')

describe('an outbox', () => {
  test('writes at once while nothing waits', () => {
    const { outbox, sent } = openOutbox()
    outbox.event(rows(1))
    expect(sent).toEqual([[1]])
  })

  test('writes nothing while the frame before has not left, then all that waited in one', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.event(rows(1))
    outbox.event(rows(2))
    expect(sent).toEqual([])
    await drain()
    expect(sent).toEqual([[1, 2]])
  })

  test('sends only the latest progress, and none from before an ending', async () => {
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

  test('sends one resync in place of more than 256 KB of a job, and then only what follows it', async () => {
    const { outbox, sent, drain, connection } = openOutbox({ writable: false, top: 4 })
    for (let seq = 1; seq <= 3; seq++) outbox.event(rows(seq, 100_000))
    outbox.event(rows(4))
    await drain()
    connection.writable = false
    outbox.event(rows(5))
    await drain()
    expect(sent).toEqual(['resync a 4', [5]])
  })

  test('sends resyncs in place of more than 1 MB of all jobs', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false, top: 2 })
    for (let n = 0; n < 11; n++) outbox.event(rows(1, 100_000, `job-${n}`))
    outbox.event(rows(2, 10, 'job-11'))
    await drain()
    expect(sent.filter((frame) => typeof frame === 'string')).toHaveLength(11)
    expect(sent).toContainEqual([2])
  })

  test('reads a job again until it succeeds: its end may be among what it gave up', async () => {
    let readings = 0
    const snapshot = async (id: string) => {
      if (readings++ === 0) throw new Error('Redis is away')
      return job(id, 9)
    }
    const { outbox, sent, drain } = openOutbox({ writable: false, snapshot })
    outbox.event(rows(1, 300_000))
    await drain()
    await expect.poll(() => sent).toEqual(['resync a 9'])
  })

  test('says of a job that was deleted meanwhile that there is none', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false, snapshot: async () => null })
    outbox.event(rows(1, 300_000))
    await drain()
    expect(sent).toEqual(['revoked a not_found'])
    expect(outbox.watched.has('a')).toBe(false)
  })

  test('lets no job keep the others waiting', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    for (let seq = 1; seq <= 4; seq++) outbox.event(rows(seq, 50_000))
    outbox.event(rows(101, 10, 'b'))
    await drain()
    expect(sent).toEqual([
      [1, 2],
      [101, 3, 4],
    ])
  })

  test('gives a connection up that takes nothing for 30 seconds', () => {
    const { outbox, givenUp, pass } = openOutbox({ writable: false })
    outbox.check()
    pass(29_000)
    outbox.check()
    expect(givenUp()).toBe(0)
    pass(2_000)
    outbox.check()
    expect(givenUp()).toBe(1)
  })

  test('gives none up that takes something now and then', async () => {
    const { outbox, givenUp, pass, drain, connection } = openOutbox({ writable: false })
    outbox.check()
    pass(29_000)
    await drain()
    connection.writable = false
    outbox.check()
    pass(29_000)
    outbox.check()
    expect(givenUp()).toBe(0)
  })

  test('holds a job back until all watches of it are acknowledged', async () => {
    const { outbox, sent } = openOutbox()
    outbox.hold(['a'])
    outbox.hold(['a'])
    outbox.event(rows(1))
    outbox.release(['a'])
    expect(sent).toEqual([])
    outbox.release(['a'])
    expect(sent).toEqual([[1]])
  })

  test('sends of a list only the last state of each job, and of the newest 200', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.list('jobs', new ListFrame([job('a', 1), job('b', 1)], []))
    outbox.list('jobs', new ListFrame([job('a', 2)], ['b']))
    await drain()
    expect(sent).toEqual([{ jobs: [2], removed: ['b'] }])
    const { outbox: slow, sent: told, drain: read } = openOutbox({ writable: false })
    for (let n = 0; n < 300; n++) slow.list('feed', new ListFrame([job(`job-${n}`, n, n)], []))
    await read()
    const newest = Array.from({ length: 200 }, (_, i) => 299 - i)
    expect(told).toEqual([{ feed: newest, removed: [] }])
  })

  test('is finished when nothing is watched any more and all that waited has been written', async () => {
    const { outbox, drain, finished, connection } = openOutbox({ writable: false })
    outbox.event(state(1))
    outbox.closed('a', null)
    expect(finished()).toBe(0)
    await drain()
    expect(finished()).toBeGreaterThan(0)
    connection.writable = false
  })
})
