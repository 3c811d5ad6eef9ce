'use client'

import { useCallback, useState, useSyncExternalStore } from 'react'
import type { JobList } from './merge-jobs.ts'
import { openOwnJobs, ownJobs } from './own-jobs.ts'

/**
 * The account's own jobs, newest first, live while the component is mounted.
 * @param initial as the server rendered them
 */
export function useOwnJobs(initial: JobList): JobList {
  const [first] = useState(initial)
  const subscribe = useCallback((listener: () => void) => openOwnJobs(first, listener), [first])
  return useSyncExternalStore(
    subscribe,
    () => ownJobs.read() ?? first,
    () => first,
  )
}
