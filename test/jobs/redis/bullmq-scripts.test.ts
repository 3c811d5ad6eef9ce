import { createHash } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import { describe, expect, test } from 'vitest'
import { startEvent } from '#jobs/redis/attempt.ts'
import { bullmqTexts, editsOfMoveToActive } from '#jobs/redis/bullmq-scripts.ts'
import { keys } from '#jobs/redis/keys.ts'
import { changeScripts, runScript } from '#jobs/redis/scripts.ts'
import { newJob, newRef, openStore } from '../job-fixture.ts'

/**
 * Our scripts call BullMQ's moveToActive and moveToDelayed, and queue-entry.lua does what its
 * addStandardJob and moveToFinished do. So BullMQ is pinned exactly, and an upgrade fails here. Then
 * read its changelog and what has changed in the texts (`bullmq/dist/cjs/scripts`). The head of a
 * text lists its keys and arguments: take-job.lua and delay-entry.lua pass them. Check that the
 * edits in bullmq-scripts.ts still leave out only what it says there. Run the chaos suite. Then
 * update these facts.
 */
const pinned: Record<keyof typeof bullmqTexts, object> = {
  addStandardJob: {
    sha256: '2eee45c9ffc54d24681b737f926016a7f7464f0d32a5f87f623bffa2fc55413c',
    keyOrder: 'wait paused meta id completed delayed active events marker',
  },
  moveToActive: {
    sha256: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a',
    keyOrder: 'wait active prioritized stream stalled rate delayed paused meta pc marker',
  },
  moveToDelayed: {
    sha256: '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7',
    keyOrder: 'marker active prioritized delayed job events meta stalled wait rate pc',
  },
  moveToFinished: {
    sha256: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d',
    keyOrder:
      'wait active prioritized event stalled rate delayed paused meta pc completed jobId metrics marker',
  },
}

describe('the script of BullMQ is the one that ours were written for', () => {
  test.each(Object.keys(pinned) as (keyof typeof pinned)[])('%s', (name) => {
    const { content } = bullmqTexts[name]
    const head = content.slice(0, content.indexOf(']]'))
    const keyOrder = [...head.matchAll(/KEYS\[\d+\]\s+'?([\w-]+)/g)].map(([, key]) => key)
    expect({
      sha256: createHash('sha256').update(content).digest('hex'),
      keyOrder: keyOrder.join(' '),
    }).toEqual(pinned[name])
  })
})

test('the edits of moveToActive apply as often as they were written for', () => {
  expect(editsOfMoveToActive).toEqual([2, 1, 1])
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

test('a finished job leaves in its queue what BullMQ’s own Worker would leave', async () => {
  const store = await openStore()
  const shard = { namespace: store.namespace, number: 0 }
  const prefix = keys.queues(shard)
  const options = { connection: store.redis, prefix }
  const queue = new Queue('b', options)
  const worker = new Worker('b', null, { ...options, autorun: false })
  try {
    const ref = await newJob(store, newRef('a'))
    await queue.add('b', {}, { jobId: ref.id, removeOnComplete: true })
    const names = async (name: string) => {
      const all = await store.redis.keys(`${prefix}:${name}:*`)
      // Our scripts write none of these.
      const unused = new Set(['id', 'events', 'meta'])
      return all.map((key) => key.split(':').at(-1)).filter((key) => !unused.has(key ?? ''))
    }

    const job = await worker.getNextJob('token')
    await job?.moveToCompleted(null, 'token', false)
    await runScript(
      store.redis,
      changeScripts.fetch,
      [`${prefix}:a:`],
      [60_000, 'token', 'w', ...startEvent('w')],
    )
    expect((await names('a')).toSorted()).toEqual(['active', 'lock', 'marker', ref.id].toSorted())
    await runScript(
      store.redis,
      changeScripts.finish,
      [keys.record(shard, ref.id)],
      [`${prefix}:a:`, '', 60_000, 'token', 'w', ...startEvent('w')],
    )
    expect(await names('a')).toEqual(await names('b'))
  } finally {
    await worker.close()
    await queue.close()
    store.close()
  }
})
