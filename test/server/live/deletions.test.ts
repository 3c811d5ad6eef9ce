import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { ask, type LiveEnvironment, openLiveEnvironment, recordFrames } from './live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

async function deleted(id: string): Promise<void> {
  await deleteJob(await jobIn(env.store, id), { counted: true }, env.store)
}

/** How many servers listen for the deletion of a job. */
async function listenersOf(id: string): Promise<number> {
  const channel = keys.deleted({ ...env.store, number: 0 }, id)
  const [, count] = await env.store.redis.pubsub('NUMSUB', channel)
  return Number(count)
}

describe('a client that shows an ended job', () => {
  test('learns of its deletion if it watched the job to its end', async () => {
    const socket = await env.socket({ key: env.people.user.key })
    const revoked = recordFrames(socket, 'revoked')
    const job = await env.runningJob()
    await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    await job.complete()
    await expect.poll(() => listenersOf(job.id)).toBe(1)
    await deleted(job.id)
    await expect.poll(() => revoked).toEqual([{ id: job.id, code: 'not_found' }])
    await expect.poll(() => listenersOf(job.id)).toBe(0)
  })

  test('learns of its deletion if the job had ended before', async () => {
    const job = await env.runningJob()
    await job.complete()
    const sockets = [
      await env.socket({ key: env.people.user.key }),
      await env.socket({ key: env.people.admin.key }),
    ]
    const frames = sockets.map((socket) => recordFrames(socket, 'revoked'))
    for (const socket of sockets) await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    await expect.poll(() => listenersOf(job.id)).toBe(1)
    await deleted(job.id)
    const message = { id: job.id, code: 'not_found' }
    await expect.poll(() => frames).toEqual([[message], [message]])
  })

  test('learns of it although the subscriber was disconnected meanwhile', async () => {
    const socket = await env.socket({ key: env.people.user.key })
    const revoked = recordFrames(socket, 'revoked')
    const job = await env.runningJob()
    await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    await job.complete()
    await expect.poll(() => listenersOf(job.id)).toBe(1)
    // In one transaction, so that the message finds no subscriber.
    const key = keys.record({ ...env.store, number: 0 }, job.id)
    await env.store.redis.multi().call('CLIENT', 'KILL', 'TYPE', 'pubsub').del(key).exec()
    await expect.poll(() => revoked).toEqual([{ id: job.id, code: 'not_found' }])
  })

  test('costs nothing once it unwatches or disconnects', async () => {
    const [first, second] = [await env.runningJob(), await env.runningJob(env.people.other.userId)]
    const admin = await env.socket({ key: env.people.admin.key })
    await ask(admin, 'watch', { jobs: [{ id: first.id }, { id: second.id }] })
    await first.complete()
    await second.complete()
    await expect.poll(() => listenersOf(first.id)).toBe(1)
    await expect.poll(() => listenersOf(second.id)).toBe(1)
    await ask(admin, 'unwatch', { jobs: [first.id] })
    await expect.poll(() => listenersOf(first.id)).toBe(0)
    admin.disconnect()
    await expect.poll(() => listenersOf(second.id)).toBe(0)
  })
})
