'use client'

import { useSyncExternalStore } from 'react'
import type { JobSummary } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { between, duration, wholeSeconds } from '../words/durations.ts'

/**
 * How long a job took, or has been running. Only the clock ticks here; nothing is asked of the
 * server.
 */
export function Elapsed({ job }: { job: JobSummary }) {
  if (!job.startedAt) return <>–</>
  if (job.finishedAt) return <>{duration(between(job.startedAt, job.finishedAt))}</>
  return isLive(job.state) ? <Ticking since={job.startedAt} /> : <>–</>
}

function Ticking({ since }: { since: string }) {
  const now = useSyncExternalStore(subscribe, readClock, readClock)
  // The server's second and the browser's need not be the same.
  return <span suppressHydrationWarning>{wholeSeconds(now - Date.parse(since))}</span>
}

let second = 0
let ticking: ReturnType<typeof setInterval> | null = null
const listeners = new Set<() => void>()

function readClock(): number {
  if (!ticking) second = Math.floor(Date.now() / 1000) * 1000
  return second
}

/** One clock for all that tick. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    second = Math.floor(Date.now() / 1000) * 1000
    for (const tell of listeners) tell()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || !ticking) return
    clearInterval(ticking)
    ticking = null
  }
}
