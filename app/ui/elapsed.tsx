'use client'

import { useSyncExternalStore } from 'react'
import type { JobSummary } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { createStore } from '../live/store.ts'
import { whileUsed } from '../live/while-used.ts'
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

/** The current second, ms since 1970. One clock for all that tick. */
const clock = createStore(thisSecond())
let ticking: ReturnType<typeof setInterval> | null = null
const tickWhileUsed = whileUsed(
  () => {
    clock.set(thisSecond())
    ticking = setInterval(() => clock.set(thisSecond()), 1_000)
  },
  () => {
    if (ticking) clearInterval(ticking)
    ticking = null
  },
)

function thisSecond(): number {
  return Math.floor(Date.now() / 1_000) * 1_000
}

function readClock(): number {
  return ticking ? clock.read() : thisSecond()
}

function subscribe(listener: () => void): () => void {
  const unsubscribe = clock.subscribe(listener)
  const release = tickWhileUsed()
  return () => {
    unsubscribe()
    release()
  }
}
