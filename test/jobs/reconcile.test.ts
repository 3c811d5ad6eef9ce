import { describe, expect, test } from 'vitest'
import { Job, jobStates } from '#jobs/job.ts'
import { type QueueState, type Remedy, remedyFor, waitsInVain } from '#jobs/reconcile.ts'

const queueStates: QueueState[] = ['waiting', 'active', 'delayed', 'completed', 'failed', 'absent']

const table: Record<(typeof jobStates)[number], Record<QueueState, Remedy>> = {
  new: {
    waiting: 'nothing',
    active: 'nothing',
    delayed: 'nothing',
    completed: 'fail_lost',
    failed: 'fail_as_queue_says',
    absent: 'fail_lost',
  },
  running: {
    waiting: 'nothing',
    active: 'nothing',
    delayed: 'nothing',
    completed: 'fail_lost',
    failed: 'fail_as_queue_says',
    absent: 'fail_lost',
  },
  complete: ended(),
  error: ended(),
  cancelled: ended(),
}

function ended(): Record<QueueState, Remedy> {
  return {
    waiting: 'remove_entry',
    active: 'nothing',
    delayed: 'remove_entry',
    completed: 'nothing',
    failed: 'remove_entry',
    absent: 'nothing',
  }
}

for (const record of jobStates) {
  for (const queue of queueStates) {
    test(`${record} record, ${queue} entry: ${table[record][queue]}`, () => {
      expect(remedyFor(record, queue)).toBe(table[record][queue])
    })
  }
}

describe('a job waits in vain', () => {
  const job = (createdAt: string) =>
    Job.parse({
      id: '0-1',
      userId: 'user',
      search: 'from-the-future',
      input: {},
      progress: null,
      rowCount: 0,
      attempt: 0,
      epoch: '',
      seq: 1,
      createdAt,
      state: 'new',
      message: null,
      startedAt: null,
      finishedAt: null,
    })
  const worker = (search: string) => ({
    name: 'host:1',
    version: '1.0.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    seenAt: '2026-01-03T00:00:00.000Z',
    rssBytes: 0,
    searches: [{ name: search, slots: 4 }],
    running: [],
  })
  const old = job('2026-01-01T23:59:59.000Z')

  test('after a day without a worker that knows its type', () => {
    expect(waitsInVain(old, [worker('keywords')])).toBe(true)
    expect(waitsInVain(job('2026-01-02T00:00:01.000Z'), [worker('keywords')])).toBe(false)
  })
  test('but not if one of the workers knows it, or none is alive', () => {
    expect(waitsInVain(old, [worker('keywords'), worker('from-the-future')])).toBe(false)
    expect(waitsInVain(old, [])).toBe(false)
  })
})
