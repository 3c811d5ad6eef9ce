import type { JobSummary } from '#jobs/job.ts'
import { OwnJobsAck, OwnJobsFrame } from '#protocol/frames.ts'
import { liveConnection } from './connection.ts'
import { type JobList, mergeJobs, takeInNewest } from './merge-jobs.ts'
import { createStore } from './store.ts'
import { whileUsed } from './while-used.ts'

/** The account's own jobs; null while no component shows them. */
const jobs = createStore<JobList | null>(null)
export const ownJobs = { read: jobs.read }

let listening = false
let stopCatchingUp = () => {}
const keepOpen = whileUsed(
  () => {
    if (!listening) liveConnection().onFrame('jobs', takeFrame)
    listening = true
    stopCatchingUp = liveConnection().onConnected(open)
  },
  () => {
    stopCatchingUp()
    jobs.set(null)
    liveConnection().tell('jobs:close', {})
  },
)

/** Keeps the list of own jobs live for a listener. @returns how to stop */
export function openOwnJobs(initial: JobList, listener: () => void): () => void {
  jobs.set(mergeJobs(jobs.read() ?? [], initial))
  const unsubscribe = jobs.subscribe(listener)
  const release = keepOpen()
  return () => {
    unsubscribe()
    release()
  }
}

/** Adds an older page, or a job that the API has just answered with. */
export function addToOwnJobs(more: readonly JobSummary[]): void {
  jobs.set(mergeJobs(jobs.read() ?? [], more))
}

async function open(): Promise<void> {
  const ack = OwnJobsAck.parse(await liveConnection().ask('jobs:open', {}))
  if ('error' in ack) throw new Error(ack.error.message)
  const held = jobs.read()
  if (held) jobs.set(takeInNewest(held, ack.jobs))
}

function takeFrame(frame: unknown): void {
  const { changed, removed } = OwnJobsFrame.parse(frame)
  const held = jobs.read()
  if (held) jobs.set(mergeJobs(held, changed, removed))
}
