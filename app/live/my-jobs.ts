import type { JobSummary } from '#jobs/job.ts'
import { MineAck, MineFrame } from '#protocol/frames.ts'
import { ask, onConnected, onFrame, tell } from './connection.ts'
import { type JobList, mergeJobs, takeInNewest } from './merge-jobs.ts'
import { signal } from './store.ts'
import { markGone } from './watched-jobs.ts'
import { whileUsed } from './while-used.ts'

/** Own jobs; null while nobody looks. */
const jobs = signal<JobList | null>(null)
export const myJobs = { read: jobs.read }

let stopCatchingUp = () => {}
const keepOpen = whileUsed(
  () => {
    onFrame('jobs', takeIn)
    stopCatchingUp = onConnected(open)
  },
  () => {
    stopCatchingUp()
    jobs.set(null)
    tell('jobs:close', {})
  },
)

/** Keeps the list of own jobs live while somebody listens. Answers how to stop listening. */
export function openMyJobs(initial: JobList, listener: () => void): () => void {
  jobs.set(mergeJobs(jobs.read() ?? [], initial))
  const stop = jobs.subscribe(listener)
  const leave = keepOpen()
  return () => {
    stop()
    leave()
  }
}

/** Adds an older page, or a job that the API has just answered with. */
export function addToMyJobs(more: readonly JobSummary[]): void {
  jobs.set(mergeJobs(jobs.read() ?? [], more))
}

async function open(): Promise<void> {
  const ack = MineAck.parse(await ask('jobs:open', {}))
  if ('error' in ack) throw new Error(ack.error.message)
  const held = jobs.read()
  if (held) jobs.set(takeInNewest(held, ack.jobs))
}

function takeIn(frame: unknown): void {
  const { changed, removed } = MineFrame.parse(frame)
  const held = jobs.read()
  if (held) jobs.set(mergeJobs(held, changed, removed))
  // The server does not watch jobs that have ended; that one was deleted is told here only.
  markGone(removed)
}
