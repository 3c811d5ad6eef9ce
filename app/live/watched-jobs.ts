import { z } from 'zod'
import type { JobEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { RowsPage, Timeline } from '#protocol/answers.ts'
import {
  EventsFrame,
  ResyncFrame,
  RevokedFrame,
  WatchAck,
  type WatchAnswer,
} from '#protocol/frames.ts'
import { callApi } from '../http/call-api.ts'
import { ask, catchUpNow, onConnected, onFrame, tell } from './connection.ts'
import {
  applyEvents,
  applyReplay,
  firstHole,
  type JobView,
  putRows,
  putTimeline,
  replaceJob,
} from './job-view.ts'
import { type Signal, signal } from './store.ts'
import { whileUsed } from './while-used.ts'

/** What a page holds: the view, or that the job is gone (deleted, or no longer ours to see). */
export type Watched = JobView | 'gone'

interface Entry {
  id: string
  held: Signal<Watched>
  /** Keeps it watched; answers how to leave. */
  use(): () => void
  /** Rows and timeline that are being fetched. */
  fetching: AbortController | null
}

const entries = new Map<string, Entry>()
/** Jobs that this page is deleting: it goes elsewhere by itself. */
const beingDeleted = new Set<string>()
const perWatch = 200
const rowsPerFetch = 1_000

/**
 * Watches a job while somebody listens. `initial` counts unless something newer is held. Answers
 * how to stop listening.
 */
export function watchJob(initial: JobView, listener: () => void): () => void {
  const { id } = initial.job
  const entry = entries.get(id) ?? entryOf(initial)
  const stop = entry.held.subscribe(listener)
  const leave = entry.use()
  return () => {
    stop()
    leave()
  }
}

/** What is held of a job; null when nobody watches it. */
export function heldJob(id: string): Watched | null {
  return entries.get(id)?.held.read() ?? null
}

/** Takes in a job that the API has just answered with, unless something newer is held. */
export function takeInJob(job: Job): void {
  const held = heldJob(job.id)
  if (!held || held === 'gone' || (held.job.epoch === job.epoch && job.seq <= held.job.seq)) return
  change(job.id, (view) => replaceJob(view, job))
  catchUpNow(() => fetchMissing(job.id))
}

/** These are deleted, or no longer ours to see. */
export function markGone(ids: readonly string[]): void {
  for (const id of ids) if (!beingDeleted.has(id)) entries.get(id)?.held.set('gone')
}

/**
 * Deletes a job on behalf of its page, which is then left: it does not say meanwhile that there is
 * no such job.
 */
export async function deleteJob(id: string): Promise<void> {
  beingDeleted.add(id)
  try {
    await callApi(`/jobs/${id}`, z.null(), { method: 'DELETE' })
  } catch (error) {
    beingDeleted.delete(id)
    throw error
  }
}

function entryOf(initial: JobView): Entry {
  const { id } = initial.job
  const entry: Entry = {
    id,
    held: signal<Watched>(initial),
    use: whileUsed(
      () => {
        entries.set(id, entry)
        if (listening) watchSoon(entry)
        else listen()
      },
      () => {
        entry.fetching?.abort()
        entries.delete(id)
        tell('unwatch', { jobs: [id] })
      },
    ),
    fetching: null,
  }
  return entry
}

const toWatch = new Set<Entry>()
/** Those that are added in one go are asked for in one go. */
function watchSoon(entry: Entry): void {
  toWatch.add(entry)
  if (toWatch.size > 1) return
  queueMicrotask(() => {
    const due = [...toWatch]
    toWatch.clear()
    catchUpNow(() => rewatch(due))
  })
}

let listening = false
function listen(): void {
  if (listening) return
  listening = true
  onFrame('events', takeInEvents)
  onFrame('resync', (frame) => {
    const { id, job } = ResyncFrame.parse(frame)
    change(id, (view) => replaceJob(view, job))
    catchUpNow(() => fetchMissing(id))
  })
  onFrame('revoked', (frame) => {
    const { id } = RevokedFrame.parse(frame)
    if (id !== undefined) markGone([id])
  })
  onConnected(() => rewatch([...entries.values()]))
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') lookAtEnded()
  })
}

/**
 * The server does not watch jobs that have ended; whether they are still there is asked when
 * somebody looks again.
 */
function lookAtEnded(): void {
  const ended = [...entries.values()].filter(({ held }) => {
    const view = held.read()
    return view !== 'gone' && !isLive(view.job.state)
  })
  if (ended.length > 0) catchUpNow(() => rewatch(ended))
}

function takeInEvents(frame: unknown): void {
  const byJob = new Map<string, JobEvent[]>()
  for (const [id, event] of EventsFrame.parse(frame)) {
    const events = byJob.get(id)
    if (events) events.push(event)
    else byJob.set(id, [event])
  }
  for (const [id, events] of byJob) {
    const entry = entries.get(id)
    const held = entry?.held.read()
    if (!entry || !held || held === 'gone') continue
    const { view, gap } = applyEvents(held, events)
    // Rows may come faster than a screen can show them. A tab that nobody sees has slow timers, but
    // a title that should be true.
    if (view.job.state === held.job.state && document.visibilityState === 'visible')
      entry.held.setSoon(view)
    else entry.held.set(view)
    if (gap) catchUpNow(() => rewatch([entry]))
  }
}

/**
 * One question for all of them, each from where it is. Settles when all of them have what they
 * lacked.
 */
async function rewatch(due: readonly Entry[]): Promise<void> {
  for (let i = 0; i < due.length; i += perWatch) {
    const jobs = due.slice(i, i + perWatch).flatMap(({ id, held }) => {
      const view = held.read()
      return view === 'gone' ? [] : [{ id, since: { epoch: view.job.epoch, seq: view.job.seq } }]
    })
    const answers = WatchAck.parse(await ask('watch', { jobs }))
    if ('error' in answers) throw new Error(answers.error.message)
    await Promise.all(answers.map(takeInAnswer))
  }
}

async function takeInAnswer(answer: WatchAnswer): Promise<void> {
  if ('error' in answer) {
    if (answer.error.code !== 'not_found') throw new Error(answer.error.message)
    markGone([answer.id])
    return
  }
  if (answer.mode === 'replay')
    change(answer.id, (view) => applyReplay(view, answer.job, answer.events))
  else change(answer.id, (view) => replaceJob(view, answer.job))
  await fetchMissing(answer.id, answer.mode === 'snapshot')
}

function change(id: string, to: (view: JobView) => JobView): void {
  const entry = entries.get(id)
  const view = entry?.held.read()
  if (entry && view && view !== 'gone') entry.held.set(to(view))
}

/**
 * Fetches what the view lacks. A fetch that was under way is for a view of before: it stops.
 * @throws when the server does not answer; whoever catches up tries again
 */
async function fetchMissing(id: string, timelineToo = true): Promise<void> {
  const entry = entries.get(id)
  if (!entry) return
  entry.fetching?.abort()
  const fetching = new AbortController()
  entry.fetching = fetching
  try {
    await Promise.all([
      timelineToo ? fillTimeline(id, fetching.signal) : null,
      fillRows(id, fetching.signal),
    ])
  } catch (error) {
    if (!fetching.signal.aborted) throw error
  }
}

async function fillTimeline(id: string, stop: AbortSignal): Promise<void> {
  const { events } = await callApi(`/jobs/${id}/timeline`, Timeline, { signal: stop })
  change(id, (view) => putTimeline(view, events))
}

async function fillRows(id: string, stop: AbortSignal): Promise<void> {
  for (;;) {
    const view = heldJob(id)
    const hole = view && view !== 'gone' && firstHole(view)
    if (!hole || stop.aborted) return
    const limit = Math.min(hole.to - hole.from, rowsPerFetch)
    const page = await callApi(`/jobs/${id}/rows?from=${hole.from}&limit=${limit}`, RowsPage, {
      signal: stop,
    })
    // Another attempt has begun: its first event tells what to show.
    if (page.rows.length === 0 || page.attempt !== view.job.attempt) return
    change(id, (current) => putRows(current, page))
  }
}
