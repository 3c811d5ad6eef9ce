import { expect, test } from 'vitest'
import { jobStates } from '#jobs/job.ts'
import { type QueueState, type Remedy, remedyFor } from '#jobs/reconcile.ts'

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
