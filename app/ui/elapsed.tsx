'use client'

import { useSyncExternalStore } from 'react'
import type { JobSummary } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { between, duration, wholeSeconds } from '../words/durations.ts'

/** How long a job took, or has been running. Ticks in the browser without asking the server. */
export function Elapsed({ job }: { job: JobSummary }) {
  if (!job.startedAt) return <>–</>
  if (job.finishedAt) return <>{duration(between(job.startedAt, job.finishedAt))}</>
  return isLive(job.state) ? <Ticking since={job.startedAt} /> : <>–</>
}

function Ticking({ since }: { since: string }) {
  const now = useSyncExternalStore(subscribe, readClock, readClock)
  // The server may have rendered another second.
  return <span suppressHydrationWarning>{wholeSeconds(now - Date.parse(since))}</span>
}

let second = 0
let ticking: ReturnType<typeof setInterval> | null = null
const listeners = new Set<() => void>()

function readClock(): number {
  if (!ticking) second = Math.floor(Date.now() / 1000) * 1000
  return second
}

/** All running durations share one timer. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    second = Math.floor(Date.now() / 1000) * 1000
    for (const notify of listeners) notify()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || !ticking) return
    clearInterval(ticking)
    ticking = null
  }
}
