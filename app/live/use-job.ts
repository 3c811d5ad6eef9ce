'use client'

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { JobView } from '#protocol/client/job-view.ts'
import type { Watched } from '#protocol/client/job-watcher.ts'
import { heldJob, watchJob } from './watched-jobs.ts'

/**
 * A job as it is now, live while the component is mounted; `'gone'` once it is deleted or no longer
 * visible. However many components ask, it is watched once.
 * @param initial as the server rendered it; counts until something newer arrives
 */
export function useJob(initial: JobView): Watched {
  const { id } = initial.job
  // A later render of the same page brings nothing that the live view doesn't have.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another job starts over
  const first = useMemo(() => initial, [id])
  const subscribe = useCallback((listener: () => void) => watchJob(first, listener), [first])
  return useSyncExternalStore(
    subscribe,
    () => heldJob(id) ?? first,
    () => first,
  )
}
