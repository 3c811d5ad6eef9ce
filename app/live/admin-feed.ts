import type { JobSummary } from '#jobs/job.ts'
import type { Counts } from '../http/answers.ts'
import { ask, onConnected, onFrame, tell } from './connection.ts'
import { FeedAck, FeedFrame } from './frames.ts'
import { type JobList, mergeJobs, takeInNewest } from './job-list.ts'
import { signal } from './signal.ts'

/** Everybody's newest jobs, and how many there are in each state (null until the server has said). */
export interface Feed {
  jobs: JobList
  counts: Counts | null
}

/** How many jobs are kept; the oldest give way. */
const most = 200

const feed = signal<Feed | null>(null)
export const adminFeed = { read: feed.read }

let readers = 0
let closing: ReturnType<typeof setTimeout> | null = null
let stopCatchingUp: (() => void) | null = null
/** Longer than React needs to take a component off and put it on again. */
const closeAfterMs = 1_000

/** Keeps the feed live while somebody listens. Answers how to stop listening. */
export function openAdminFeed(initial: Feed, listener: () => void): () => void {
  if (closing) clearTimeout(closing)
  closing = null
  readers++
  if (!feed.read()) feed.set(initial)
  const stop = feed.subscribe(listener)
  onFrame('feed', (frame) => {
    const { changed, removed, counts } = FeedFrame.parse(frame)
    feed.set({ jobs: newest(mergeJobs(feed.read()?.jobs ?? [], changed, removed)), counts })
  })
  stopCatchingUp ??= onConnected(catchUp)
  return () => {
    stop()
    if (--readers === 0) closing = setTimeout(close, closeAfterMs)
  }
}

async function catchUp(): Promise<void> {
  if (!stopCatchingUp) return
  const ack = FeedAck.parse(await ask('feed:open', {}))
  if ('error' in ack) throw new Error(ack.error.message)
  feed.set({ jobs: newest(takeInNewest(feed.read()?.jobs ?? [], ack.jobs)), counts: ack.counts })
}

function newest(jobs: readonly JobSummary[]): JobList {
  return jobs.slice(0, most)
}

function close(): void {
  stopCatchingUp?.()
  stopCatchingUp = null
  feed.set(null)
  tell('feed:close', {})
}
