import { createHash } from 'node:crypto'
import { Queue } from 'bullmq'
import { describe, expect, test } from 'vitest'
import { bullmqTexts, withoutUnused } from '#jobs/redis/bullmq-scripts.ts'
import { keys } from '#jobs/redis/keys.ts'
import { newJob, newRef, openStore } from '../job-fixture.ts'

/**
 * Our scripts call BullMQ's own, so BullMQ is pinned exactly, and an upgrade fails here. Then read
 * its changelog and what has changed in the texts (`bullmq/dist/cjs/scripts`). The head of a text
 * lists its keys and arguments: create-job.lua, take-job.lua and finish-job.lua pass them. Check
 * that the statements that bullmq-scripts.ts leaves out still serve only what it says there. Run
 * the chaos suite. Then update these facts.
 */
const pinned: Record<keyof typeof bullmqTexts, object> = {
  addStandardJob: {
    sha256: '2eee45c9ffc54d24681b737f926016a7f7464f0d32a5f87f623bffa2fc55413c',
    keys: 9,
    keyOrder: 'wait paused meta id completed delayed active events marker',
    leftOut: 14,
  },
  moveToActive: {
    sha256: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a',
    keys: 11,
    keyOrder: 'wait active prioritized stream stalled rate delayed paused meta pc marker',
    leftOut: 2,
  },
  moveToDelayed: {
    sha256: '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7',
    keys: 11,
    keyOrder: 'marker active prioritized delayed job events meta stalled wait rate pc',
    leftOut: 5,
  },
  moveToFinished: {
    sha256: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d',
    keys: 14,
    keyOrder:
      'wait active prioritized event stalled rate delayed paused meta pc completed jobId metrics marker',
    leftOut: 20,
  },
}

describe('the script of BullMQ is the one that ours were written for', () => {
  test.each(Object.keys(pinned) as (keyof typeof pinned)[])('%s', (name) => {
    const { content, keys } = bullmqTexts[name]
    const head = content.slice(0, content.indexOf(']]'))
    const keyOrder = [...head.matchAll(/KEYS\[\d+\]\s+'?([\w-]+)/g)].map(([, key]) => key)
    expect({
      sha256: createHash('sha256').update(content).digest('hex'),
      keys,
      keyOrder: keyOrder.join(' '),
      leftOut: withoutUnused(content).leftOut,
    }).toEqual(pinned[name])
  })
})

test('a created job has the entry that BullMQ’s own Queue would add', async () => {
  const store = await openStore()
  const shard = { namespace: store.namespace, number: 0 }
  const prefix = keys.queues(shard)
  const ref = await newJob(store, newRef('a'), { attempts: 2 })
  const queue = new Queue('b', { connection: store.redis, prefix })
  try {
    await queue.add(
      'a',
      { userId: ref.userId },
      {
        jobId: ref.id,
        attempts: 2,
        removeOnComplete: true,
        removeOnFail: { age: 24 * 60 * 60 },
        backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
      },
    )
    const read = async (name: string) => {
      const { timestamp, opts, ...fields } = await store.redis.hgetall(
        `${prefix}:${name}:${ref.id}`,
      )
      const { jobId, ...options } = JSON.parse(opts ?? '')
      return { ...fields, options, dated: Number(timestamp) > 0 }
    }
    expect(await read('a')).toEqual(await read('b'))
    const lists = async (name: string) => [
      await store.redis.lrange(`${prefix}:${name}:wait`, 0, '-1'),
      await store.redis.zrange(`${prefix}:${name}:marker`, 0, '-1'),
    ]
    expect(await lists('a')).toEqual(await lists('b'))
  } finally {
    await queue.close()
    store.close()
  }
})
