import type { FeedFilter } from '#jobs/feed-filter.ts'
import { jobStates } from '#jobs/job.ts'

export function sameFilter(a: FeedFilter, b: FeedFilter): boolean {
  return a.state === b.state && a.search === b.search
}

/** As the address of the page says it; what is no state there is no filter. */
export function readFilter(query: { get(name: string): string | null }): FeedFilter {
  const state = jobStates.find((state) => state === query.get('state'))
  return { state, search: query.get('search') || undefined }
}

/** `?state=running&search=linking-domains`, or nothing. */
export function filterQuery({ state, search }: FeedFilter): string {
  const query = new URLSearchParams({
    ...(state ? { state } : {}),
    ...(search ? { search } : {}),
  }).toString()
  return query === '' ? '' : `?${query}`
}
