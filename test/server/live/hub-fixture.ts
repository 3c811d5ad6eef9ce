import { connectRedis } from '#jobs/redis/connect.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { Hub, type HubDeps } from '#server/live/hub.ts'
import { Subscriber } from '#server/live/subscriber.ts'
import { quietLog } from '../../jobs/job-fixture.ts'
import { redisUrl } from '../../services.ts'

interface HubOptions {
  /** Where it hears of events: the run's Redis, or a way to it. */
  url?: string
  read?: HubDeps['read']
}

/** A hub of its own, that checks positions. */
export function openHub(
  store: JobStore,
  { url = redisUrl(), read = (id, since) => readJob(id, since, store) }: HubOptions = {},
) {
  // Its connection carries the test's own name, so that the test can kill it.
  const doorbells = connectRedis(url, {
    name: store.namespace,
    log: quietLog,
    retries: null,
    subscriber: true,
  })
  const subscriber = new Subscriber(doorbells, quietLog)
  const hub = new Hub({ store, subscriber, read, log: quietLog })
  hub.startChecking()
  return {
    hub,
    subscriber,
    doorbells,
    async killDoorbells(): Promise<void> {
      const clients = String(await store.redis.client('LIST'))
      for (const line of clients.split('\n')) {
        const id = /^id=(\d+) /.exec(line)?.[1]
        if (id && line.includes(`name=${store.namespace} `))
          await store.redis.client('KILL', 'ID', id)
      }
    },
    close(): void {
      hub.stopChecking()
      subscriber.close()
    },
  }
}

export type OpenHub = ReturnType<typeof openHub>
