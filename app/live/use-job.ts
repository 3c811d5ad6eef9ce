'use client'

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { JobView } from './job-view.ts'
import { heldJob, type Watched, watchJob } from './watched-jobs.ts'

/**
 * A job as it is now, live while the component is there; `'gone'` once it is deleted or no longer
 * ours to see. However many components ask, it is watched once.
 * @param initial what the server rendered; counts until something newer is here
 */
export function useJob(initial: JobView): Watched {
  const { id } = initial.job
  // Another answer of the server for the same job changes nothing: the live view knows better.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another job starts over
  const first = useMemo(() => initial, [id])
  const subscribe = useCallback((listener: () => void) => watchJob(first, listener), [first])
  return useSyncExternalStore(
    subscribe,
    () => heldJob(id) ?? first,
    () => first,
  )
}
