'use client'

import { useSyncExternalStore } from 'react'

const subscribeToNothing = () => () => {}

/**
 * A time in the visitor's time zone. The server doesn't know the zone, so it renders an invisible
 * placeholder of about the same width.
 * @param at ISO 8601
 * @param precise shows the time of day with seconds and without a date
 */
export function LocalTime({ at, precise = false }: { at: string; precise?: boolean }) {
  const inBrowser = useSyncExternalStore(
    subscribeToNothing,
    () => true,
    () => false,
  )
  const date = new Date(at)
  return (
    <time
      dateTime={at}
      title={inBrowser ? full.format(date) : undefined}
      className={inBrowser ? undefined : 'opacity-0'}
    >
      {inBrowser ? (precise ? clock.format(date) : short(date)) : at.slice(11, precise ? 19 : 16)}
    </time>
  )
}

const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const minutes = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' })
const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const dayOfYear = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })

/** Today: the time. This year: day and time. Earlier: the date. */
function short(date: Date): string {
  const now = new Date()
  if (date.toDateString() === now.toDateString()) return minutes.format(date)
  return date.getFullYear() === now.getFullYear() ? day.format(date) : dayOfYear.format(date)
}
