import { type FeedFilter, fits } from '#jobs/feed-filter.ts'
import type { JobCounts } from '#jobs/job-counts.ts'
import { FeedAck, FeedFrame } from '#protocol/frames.ts'
import { liveConnection } from './connection.ts'
import { sameFilter } from './feed-filter.ts'
import { reloadPage } from './leave-page.ts'
import { type JobList, mergeJobs, replaceJobs } from './merge-jobs.ts'
import { createStore } from './store.ts'
import { whileUsed } from './while-used.ts'

export interface Feed {
  /** The newest jobs of all users that fit the filter. */
  jobs: JobList
  /** The number of jobs in each state, whatever the filter; null until the server has answered. */
  counts: JobCounts | null
  /** The server has answered for this filter; before that, more jobs may fit. */
  settled: boolean
}

interface HeldFeed extends Feed {
  filter: FeedFilter
}

/** The oldest jobs beyond this number are dropped, as on the server. */
const maxJobs = 200

const feed = createStore<HeldFeed | null>(null)
export const adminFeed = { read: feed.read }

/** Only the answer to the latest opening counts. */
let openings = 0
let answered = true
let listening = false
let stopCatchingUp = () => {}
const keepOpen = whileUsed(
  () => {
    if (!listening) liveConnection().onFrame('feed', takeFrame)
    listening = true
    stopCatchingUp = liveConnection().onConnected(open)
  },
  () => {
    stopCatchingUp()
    feed.set(null)
    liveConnection().tell('feed:close', {})
  },
)

/**
 * Keeps the feed live for a listener; another filter than before opens it again.
 * @param initial as rendered for this filter; counts when nothing is held yet
 * @returns how to stop
 */
export function openAdminFeed(filter: FeedFilter, initial: Feed, listener: () => void): () => void {
  const held = feed.read()
  const filterChanged = held !== null && !sameFilter(held.filter, filter)
  if (!held) feed.set({ ...initial, filter })
  else if (filterChanged) feed.set({ ...held, filter, settled: false })
  const unsubscribe = feed.subscribe(listener)
  const release = keepOpen()
  if (filterChanged) liveConnection().catchUpNow(() => open())
  return () => {
    unsubscribe()
    release()
  }
}

/** The held feed for a filter. Until the server answers for that filter: the held jobs that fit. */
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
  const ack = FeedAck.parse(await liveConnection().ask('feed:open', { filter }))
  const held = feed.read()
  if (opening !== openings || !held) return
  if ('error' in ack) {
    if (ack.error.code === 'forbidden') reloadPage()
    throw new Error(ack.error.message)
  }
  answered = true
  const jobs = newest(replaceJobs(held.jobs, ack.jobs))
  feed.set({ filter, jobs, counts: ack.counts, settled: true })
}

function takeFrame(frame: unknown): void {
  const { changed, removed, counts } = FeedFrame.parse(frame)
  const held = feed.read()
  if (!held) return
  // Until the opening is answered, frames belong to the filter before. Their jobs are right; a job
  // that they remove may fit the new filter.
  const jobs = newest(mergeJobs(held.jobs, changed, answered ? removed : []))
  feed.set({ ...held, jobs, counts })
}

const newest = (jobs: JobList): JobList => jobs.slice(0, maxJobs)
