'use client'

import { useCallback, useState, useSyncExternalStore } from 'react'
import { adminFeed, type Feed, openAdminFeed } from './admin-feed.ts'

/** Everybody's jobs, newest first, from what the server rendered on. */
export function useAdminFeed(initial: Feed): Feed {
  const [first] = useState(initial)
  const subscribe = useCallback((listener: () => void) => openAdminFeed(first, listener), [first])
  return useSyncExternalStore(
    subscribe,
    () => adminFeed.read() ?? first,
    () => first,
  )
}
