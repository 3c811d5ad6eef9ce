import { type FeedFilter, fits } from '#jobs/feed-filter.ts'
import type { Log } from '#jobs/log.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '../list-jobs.ts'
import type { Hub } from './hub.ts'
import { feedLedger, ownJobsLedger } from './list-ledger.ts'
import { type ListAnswer, type ListReader, type ListRules, ListView } from './list-view.ts'

/** How many jobs the answer to opening a list holds. */
const firstPage = { ownJobs: 50, feed: 200 }

export interface ListsDeps {
  store: JobStore
  db: Database
  hub: Hub
  /** In ms, by a monotonic clock. */
  now(): number
  log: Log
}

/** A list opened by one reader. */
export interface OpenedList {
  /** Settles once the reader has been answered. */
  answered: Promise<void>
  close(): void
}

type Answer = (list: ListAnswer) => void

/**
 * The live lists of this server: one view per user and one per feed filter, shared by all its
 * readers. A view is created for its first reader and removed after its last.
 */
export class Lists {
  readonly #deps: ListsDeps
  readonly #views = new Map<string, ListView>()

  constructor(deps: ListsDeps) {
    this.#deps = deps
  }

  openOwnJobs(userId: string, reader: ListReader, answer: Answer): OpenedList {
    return this.#open(`user ${userId}`, reader, answer, () => ({
      ledgers: [ownJobsLedger(userId, this.#deps.store)],
      fits: () => true,
      read: () => listJobs({ userId, limit: firstPage.ownJobs }, this.#deps),
      // More than the first page, because people page back through their jobs.
      maxJobs: 1_000,
      refillBelow: 0,
    }))
  }

  /** All users' jobs that fit the filter. */
  openFeed(filter: FeedFilter, reader: ListReader, answer: Answer): OpenedList {
    const { store } = this.#deps
    const { state, search } = filter
    return this.#open(`feed ${state ?? ''} ${search ?? ''}`, reader, answer, () => ({
      ledgers: allShards(store).map((shard) => feedLedger(shard, store)),
      fits: (job) => fits(job, filter),
      read: () => listJobs({ state, search, limit: firstPage.feed }, this.#deps),
      counts: () => countJobs(store),
      maxJobs: firstPage.feed,
      refillBelow: firstPage.feed / 2,
    }))
  }

  #open(name: string, reader: ListReader, answer: Answer, rules: () => ListRules): OpenedList {
    const view = this.#views.get(name) ?? this.#createView(name, rules())
    return { answered: view.open(reader, answer), close: () => view.close(reader) }
  }

  #createView(name: string, rules: ListRules): ListView {
    const { hub, now, log } = this.#deps
    const view = new ListView(rules, {
      hub,
      now,
      log,
      onEmpty: () => this.#views.get(name) === view && this.#views.delete(name),
    })
    this.#views.set(name, view)
    return view
  }
}
