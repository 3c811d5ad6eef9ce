import { type FeedFilter, fits } from '#jobs/feed-filter.ts'
import type { Counts } from '#protocol/answers.ts'
import { FeedAck, FeedFrame } from '#protocol/frames.ts'
import { ask, catchUpNow, onConnected, onFrame, tell } from './connection.ts'
import { sameFilter } from './feed-filter.ts'
import { renderAnew } from './leave-page.ts'
import { type JobList, mergeJobs, replaceJobs } from './merge-jobs.ts'
import { signal } from './store.ts'
import { whileUsed } from './while-used.ts'

export interface Feed {
  /** Everybody's newest jobs that fit the filter. */
  jobs: JobList
  /** How many there are in each state, whatever the filter; null until the server has said. */
  counts: Counts | null
  /**
   * Whether the server has answered for this filter. Until then there may be jobs that fit and are
   * not here yet.
   */
  settled: boolean
}

interface HeldFeed extends Feed {
  filter: FeedFilter
}

/** How many jobs are kept; the oldest give way, as on the server. */
const most = 200

const feed = signal<HeldFeed | null>(null)
export const adminFeed = { read: feed.read }

/**
 * Counts openings: a tab has one feed, and the answer to an opening counts only if none was sent
 * after it.
 */
let openings = 0
let answered = true
let stopCatchingUp = () => {}
const keepOpen = whileUsed(
  () => {
    onFrame('feed', takeIn)
    stopCatchingUp = onConnected(open)
  },
  () => {
    stopCatchingUp()
    feed.set(null)
    tell('feed:close', {})
  },
)

/**
 * Keeps the feed live while somebody listens; with another filter than before, it is opened anew.
 * Answers how to stop listening.
 * @param initial what was rendered for this filter; counts when nothing is held yet
 */
export function openAdminFeed(filter: FeedFilter, initial: Feed, listener: () => void): () => void {
  const held = feed.read()
  const other = held !== null && !sameFilter(held.filter, filter)
  if (!held) feed.set({ ...initial, filter })
  else if (other) feed.set({ ...held, filter, settled: false })
  const stop = feed.subscribe(listener)
  const leave = keepOpen()
  if (other) catchUpNow(() => open())
  return () => {
    stop()
    leave()
  }
}

/** What is held, for a filter: while the server has not answered for it, that which fits. */
export function feedFor(filter: FeedFilter, held: HeldFeed): Feed {
  return {
    jobs: held.jobs.filter((job) => fits(job, filter)),
    counts: held.counts,
    settled: held.settled && sameFilter(held.filter, filter),
  }
}

async function open(): Promise<void> {
  const opening = ++openings
  const filter = feed.read()?.filter ?? {}
  answered = false
  const ack = FeedAck.parse(await ask('feed:open', { filter }))
  const held = feed.read()
  if (opening !== openings || !held) return
  if ('error' in ack) {
    if (ack.error.code === 'forbidden') renderAnew()
    throw new Error(ack.error.message)
  }
  answered = true
  feed.set({
    filter,
    jobs: newest(replaceJobs(held.jobs, ack.jobs)),
    counts: ack.counts,
    settled: true,
  })
}

function takeIn(frame: unknown): void {
  const { changed, removed, counts } = FeedFrame.parse(frame)
  const held = feed.read()
  if (!held) return
  // Until the opening is answered, frames are of the filter before: what they say of jobs is true,
  // what they take away may fit now.
  feed.set({
    ...held,
    jobs: newest(mergeJobs(held.jobs, changed, answered ? removed : [])),
    counts,
  })
}

const newest = (jobs: JobList): JobList => jobs.slice(0, most)
