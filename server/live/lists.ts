import { type FeedFilter, fits } from '#jobs/feed-filter.ts'
import type { Log } from '#jobs/log.ts'
import type { Database } from '#jobs/postgres/connect.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import { allShards, type JobStore } from '#jobs/redis/store.ts'
import { listJobs } from '../list-jobs.ts'
import type { Hub } from './hub.ts'
import { feedLedger, mineLedger } from './list-ledger.ts'
import { type ListAnswer, type ListReader, type ListRules, ListView } from './list-view.ts'

/** How many jobs a live list begins with. */
const first = { mine: 50, feed: 200 }

export interface ListsDeps {
  store: JobStore
  db: Database
  hub: Hub
  log: Log
}

/** A list that somebody has opened. */
export interface OpenedList {
  /** Settles once the reader has been answered. */
  answered: Promise<void>
  close(): void
}

type Answer = (list: ListAnswer) => void

/** The live lists of this server, each once however many look at it. */
export class Lists {
  readonly #deps: ListsDeps
  readonly #views = new Map<string, ListView>()

  constructor(deps: ListsDeps) {
    this.#deps = deps
  }

  /** A user's own jobs. */
  openMine(userId: string, reader: ListReader, answer: Answer): OpenedList {
    return this.#open(`user ${userId}`, reader, answer, () => ({
      ledgers: [mineLedger(userId, this.#deps.store)],
      fits: () => true,
      read: () => listJobs({ userId, limit: first.mine }, this.#deps),
      // People page back through theirs: what they may have on the screen is more than the first
      // page.
      most: 1_000,
      refillBelow: 0,
    }))
  }

  /** Everybody's jobs that fit. */
  openFeed(filter: FeedFilter, reader: ListReader, answer: Answer): OpenedList {
    const { store } = this.#deps
    const { state, search } = filter
    return this.#open(`feed ${state ?? ''} ${search ?? ''}`, reader, answer, () => ({
      ledgers: allShards(store).map((shard) => feedLedger(shard, store)),
      fits: (job) => fits(job, filter),
      read: () => listJobs({ state, search, limit: first.feed }, this.#deps),
      counts: () => countJobs(store),
      most: first.feed,
      refillBelow: first.feed / 2,
    }))
  }

  #open(name: string, reader: ListReader, answer: Answer, rules: () => ListRules): OpenedList {
    const view = this.#views.get(name) ?? this.#make(name, rules())
    return { answered: view.open(reader, answer), close: () => view.close(reader) }
  }

  #make(name: string, rules: ListRules): ListView {
    const { hub, log } = this.#deps
    const view = new ListView(rules, {
      hub,
      log,
      onEmpty: () => this.#views.get(name) === view && this.#views.delete(name),
    })
    this.#views.set(name, view)
    return view
  }
}
