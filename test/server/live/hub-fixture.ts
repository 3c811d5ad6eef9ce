import { connectRedis } from '#jobs/redis/connect.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { Hub, type HubDeps } from '#server/live/hub.ts'
import { Subscriber } from '#server/live/subscriber.ts'
import { quietLog } from '#test/quiet-log.ts'
import { redisUrl } from '../../services.ts'

interface HubOptions {
  /** Address of the Redis to subscribe to: the test run's, or a proxy in front of it. */
  url?: string
  read?: HubDeps['read']
}

/** A new hub that checks positions, with a subscriber connection of its own. */
export function openHub(
  store: JobStore,
  { url = redisUrl(), read = (id, since) => readJob(id, since, store) }: HubOptions = {},
) {
  // Named after the test's namespace, so that the test can find and kill it.
  const subscriberRedis = connectRedis(url, {
    name: store.namespace,
    log: quietLog,
    retries: null,
    subscriber: true,
  })
  const subscriber = new Subscriber(subscriberRedis, quietLog)
  const hub = new Hub({ store, subscriber, read, log: quietLog })
  hub.startChecking()
  return {
    hub,
    subscriber,
    subscriberRedis,
    async killSubscriber(): Promise<void> {
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
