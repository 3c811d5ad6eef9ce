'use client'

import { useCallback, useMemo, useState, useSyncExternalStore } from 'react'
import type { FeedFilter } from '#jobs/feed-filter.ts'
import { adminFeed, type Feed, feedFor, openAdminFeed } from './admin-feed.ts'

/**
 * The newest jobs of all users that fit a filter, at most 200, and the number of jobs in each
 * state. A tab has one feed: of two components with different filters, the last to ask gets its
 * own.
 * @param initial as the server rendered it for the first filter
 */
export function useAdminFeed({ state, search }: FeedFilter, initial: Feed): Feed {
  const [first] = useState({ ...initial, filter: { state, search } })
  const subscribe = useCallback(
    (listener: () => void) => openAdminFeed({ state, search }, first, listener),
    [state, search, first],
  )
  const held = useSyncExternalStore(
    subscribe,
    () => adminFeed.read() ?? first,
    () => first,
  )
  return useMemo(() => feedFor({ state, search }, held), [state, search, held])
}
