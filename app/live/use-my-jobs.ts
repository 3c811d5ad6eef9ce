'use client'

import { useCallback, useState, useSyncExternalStore } from 'react'
import type { JobList } from './merge-jobs.ts'
import { myJobs, openMyJobs } from './my-jobs.ts'

/**
 * Own jobs, newest first, live while the component is there.
 * @param initial what the server rendered
 */
export function useMyJobs(initial: JobList): JobList {
  const [first] = useState(initial)
  const subscribe = useCallback((listener: () => void) => openMyJobs(first, listener), [first])
  return useSyncExternalStore(
    subscribe,
    () => myJobs.read() ?? first,
    () => first,
  )
}
