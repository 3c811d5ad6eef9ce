import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Job } from '#jobs/job.ts'
import { LiveEvent } from '#server/live/live-event.ts'
import { Outbox } from '#server/live/outbox.ts'

const job = (id: string, seq: number): Job => ({
  id,
  userId: 'u',
  search: 's',
  input: {},
  progress: null,
  rowCount: 0,
  attempt: 1,
  epoch: 'e',
  seq,
  createdAt: '2026-01-01T00:00:00.000Z',
  state: 'running',
  message: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
})

/** A connection that leaves when the test says so. */
function openOutbox({ writable = true, top = 0 } = {}) {
  const sent: [string, ...unknown[]][] = []
  let onWritable = () => {}
  let now = 0
  const closed: string[] = []
  const connection = {
    writable,
    write: (data: string) => {
      sent.push(JSON.parse(data.slice(1)))
    },
    onWritable: (callback: () => void) => {
      onWritable = callback
    },
  }
  const outbox = new Outbox(connection, {
    snapshot: async (id) => job(id, top),
    onTooSlow: (why) => closed.push(why),
    now: () => now,
  })
  const drain = async () => {
    connection.writable = true
    onWritable()
    await setImmediate()
    await setImmediate()
  }
  const pass = (ms: number) => {
    now += ms
  }
  return { outbox, sent, drain, connection, closed, pass }
}

const rows = (seq: number, bytes = 10) => new LiveEvent('a', seq, 'rows', JSON.stringify('x'.repeat(bytes)))
const progress = (done: number) => new LiveEvent('a', null, 'progress', `{"done":${done}}`)
const state = (seq: number, name: string) => new LiveEvent('a', seq, 'state', `{"state":"${name}"}`)

const Frame = z.tuple([z.literal('events'), z.array(z.tuple([z.string(), z.number().nullable()]).rest(z.unknown()))])
const seqsOf = (frame: unknown) => Frame.parse(frame)[1].map(([, seq]) => seq)

describe('an outbox', () => {
  test('writes nothing while the frame before has not left, then all that waited in one', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.event(rows(1))
    outbox.event(rows(2))
    await setImmediate()
    expect(sent).toEqual([])
    await drain()
    expect(sent).toHaveLength(1)
    expect(seqsOf(sent[0])).toEqual([1, 2])
  })

  test('sends only the latest progress, and none from before an ending', async () => {
    const { outbox, sent, drain, connection } = openOutbox({ writable: false })
    outbox.event(progress(1))
    outbox.event(progress(2))
    await drain()
    expect(sent).toEqual([['events', [['a', null, 'progress', { done: 2 }]]]])
    connection.writable = false
    outbox.event(progress(3))
    outbox.event(state(1, 'complete'))
    await drain()
    expect(sent[1]).toEqual(['events', [['a', 1, 'state', { state: 'complete' }]]])
  })

  test('sends one resync in place of more than 256 KB of a job, and then only what follows it', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false, top: 4 })
    for (let seq = 1; seq <= 3; seq++) outbox.event(rows(seq, 100_000))
    outbox.event(rows(4))
    outbox.event(rows(5))
    await drain()
    await drain()
    expect(sent.map(([name]) => name)).toEqual(['resync', 'events'])
    expect(sent[0]?.[1]).toMatchObject({ id: 'a', seq: 4 })
    expect(seqsOf(sent[1])).toEqual([5])
  })

  test('closes a socket that takes nothing for 30 seconds', async () => {
    const { outbox, closed, pass } = openOutbox({ writable: false })
    outbox.event(rows(1))
    await setImmediate()
    pass(29_000)
    outbox.check()
    expect(closed).toEqual([])
    pass(2_000)
    outbox.check()
    expect(closed).toEqual(['nothing taken for 30 s'])
  })

  test('holds a job back until its watch is acknowledged', async () => {
    const { outbox, sent, drain } = openOutbox()
    outbox.hold(['a'])
    outbox.event(rows(1))
    await drain()
    expect(sent).toEqual([])
    outbox.release(['a'])
    await drain()
    expect(sent).toHaveLength(1)
  })

  test('sends of a list only the last state of each job', async () => {
    const { outbox, sent, drain } = openOutbox({ writable: false })
    outbox.list('jobs', [job('a', 1), job('b', 1)], [])
    outbox.list('jobs', [job('a', 2)], ['b'])
    await drain()
    expect(sent).toMatchObject([['jobs', { changed: [{ id: 'a', seq: 2 }], removed: ['b'] }]])
  })
})
