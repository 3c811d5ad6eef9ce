import type { Database } from '#jobs/postgres/connect.ts'
import type { Log } from '#jobs/redis/connect.ts'
import { countJobs, versionOfAll, versionOfMine } from '#jobs/redis/job-lists.ts'
import { keys } from '#jobs/redis/keys.ts'
import { allShards, type JobStore, shardForUser } from '#jobs/redis/store.ts'
import { listJobs } from '../list-jobs.ts'
import { type ListReader, type ListSource, ListTopic } from './list-topic.ts'
import type { Subscriber } from './subscriber.ts'

/** How many jobs a live list begins with. */
const most = { mine: 50, feed: 200 }

export interface ListsDeps {
  store: JobStore
  db: Database
  subscriber: Subscriber
  log: Log
}

type Opened = Awaited<ReturnType<ListTopic['open']>> & { close(): void }

/** The live lists of this server, each once however many look at it. */
export class Lists {
  readonly #deps: ListsDeps
  readonly #topics = new Map<string, ListTopic>()

  constructor(deps: ListsDeps) {
    this.#deps = deps
  }

  openMine(userId: string, reader: ListReader): Promise<Opened> {
    const { store } = this.#deps
    const shard = shardForUser(userId, store)
    return this.#open(`user ${userId}`, reader, {
      channels: [keys.mine(shard, userId)],
      version: () => versionOfMine(shard, userId, store),
      read: async () => (await listJobs({ userId, limit: most.mine }, this.#deps)).jobs,
    })
  }

  openFeed(reader: ListReader): Promise<Opened> {
    const { store } = this.#deps
    const shards = new Map(allShards(store).map((shard) => [keys.feed(shard), shard]))
    return this.#open('feed', reader, {
      channels: [...shards.keys()],
      async version(channel) {
        const shard = shards.get(channel)
        return shard ? versionOfAll(shard, store) : 0
      },
      read: async () => (await listJobs({ limit: most.feed }, this.#deps)).jobs,
      counts: () => countJobs(store),
    })
  }

  async #open(name: string, reader: ListReader, source: ListSource): Promise<Opened> {
    let topic = this.#topics.get(name)
    if (!topic) {
      topic = new ListTopic({
        ...this.#deps,
        source,
        onEmpty: (empty) => {
          if (this.#topics.get(name) === empty) this.#topics.delete(name)
        },
      })
      this.#topics.set(name, topic)
    }
    const opened = topic
    return { ...(await opened.open(reader)), close: () => opened.close(reader) }
  }
}
