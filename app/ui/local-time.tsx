'use client'

import { useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * A moment on the visitor's clock. The server does not know that clock, so it keeps the place and
 * says nothing.
 */
export function LocalTime({ at, precise = false }: { at: string; precise?: boolean }) {
  const here = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  const date = new Date(at)
  return (
    <time
      dateTime={at}
      title={here ? full.format(date) : undefined}
      className={here ? undefined : 'opacity-0'}
    >
      {here ? (precise ? clock.format(date) : short(date)) : at.slice(11, precise ? 19 : 16)}
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

/** The time today, the day and time this year, the date before. */
function short(date: Date): string {
  const now = new Date()
  if (date.toDateString() === now.toDateString()) return minutes.format(date)
  return date.getFullYear() === now.getFullYear() ? day.format(date) : dayOfYear.format(date)
}
