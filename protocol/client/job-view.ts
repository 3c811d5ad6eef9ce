import type { Cells, Row } from '#jobs/define-search.ts'
import type { JobEvent, PatchEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import type { Job, Progress } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import type { TimelineEntry } from '#jobs/timeline.ts'
import type { Waiting } from '#jobs/waiting.ts'

/**
 * All that a page knows of one job: its record, the rows of its current attempt, its timeline.
 * Never changed, only replaced.
 */
export interface JobView {
  job: Job
  /** By index. A hole is a row that has not been fetched yet. */
  rows: readonly (Row | undefined)[]
  /**
   * All changed cells of rows, by index. Kept because rows may be fetched later, from an answer that
   * is older than the change.
   */
  patches: ReadonlyMap<number, Cells>
  /** By seq. */
  timeline: readonly TimelineEntry[]
  /** What the job waits for; null once it has started, and until the server has said so. */
  waiting: Waiting | null
  /** Index of the first row of the latest live arrival; null when rows came otherwise. */
  freshFrom: number | null
}

/** What a job's record alone tells: of one that has only been created, that is its timeline too. */
export function viewOf(job: Job): JobView {
  const created = { at: job.createdAt, state: 'new', attempt: 0 } as const
  const timeline = job.seq === 1 ? [{ seq: 1, type: 'state', data: created } as const] : []
  return { job, rows: [], patches: new Map(), timeline, waiting: null, freshFrom: null }
}

/**
 * Applies events in their order. One that is known already is dropped; behind a gap nothing is
 * applied, since what is missing must come first.
 */
export function applyEvents(
  view: JobView,
  events: readonly JobEvent[],
): { view: JobView; gap: boolean } {
  let next = view
  /**
   * The rows that this very call has made: they may be added to, so that many arrivals cost one
   * copy.
   */
  let own: (Row | undefined)[] | null = null
  for (const event of events) {
    if (event.type === 'progress') {
      const { attempt, ...progress } = event.data
      if (
        isLive(next.job.state) &&
        attempt === next.job.attempt &&
        !isBehind(progress, next.job.progress)
      )
        next = { ...next, job: { ...next.job, progress } }
      continue
    }
    if (event.seq <= next.job.seq) continue
    if (event.seq > next.job.seq + 1) return { view: next, gap: true }
    if (event.type === 'rows') {
      if (event.data.attempt === next.job.attempt) {
        if (own !== next.rows) own = next.rows.slice()
        next = withArrivedRows(next, own, event.data)
      }
    } else if (event.type === 'patch') {
      if (event.data.attempt === next.job.attempt) {
        if (own !== next.rows) own = next.rows.slice()
        next = withChangedRows(next, own, event.data)
      }
    } else next = { ...next, timeline: mergeTimeline(next.timeline, [event]) }
    if (event.type === 'state') next = withState(next, event.data)
    next = { ...next, job: { ...next.job, seq: event.seq } }
  }
  return { view: next, gap: false }
}

/**
 * Said before what is held: within a phase nothing goes back, but a message may have been on its
 * way while the job was read.
 */
function isBehind(said: Progress, held: Progress | null): boolean {
  return held !== null && said.phase === held.phase && said.done < held.done
}

/**
 * What the server holds, all at once. Rows of the same attempt stay, unless some may have changed
 * meanwhile.
 */
export function replaceJob(view: JobView, job: Job): JobView {
  const sameStore = view.job.epoch === job.epoch
  const unchanged = !job.patched || view.job.seq === job.seq
  const sameRows = sameStore && view.job.attempt === job.attempt && unchanged
  return {
    job,
    rows: sameRows ? view.rows.slice(0, job.rowCount) : [],
    patches: sameRows ? view.patches : new Map(),
    timeline: sameStore ? view.timeline : [],
    waiting: job.state === 'new' ? view.waiting : null,
    freshFrom: null,
  }
}

/**
 * The answer to a resumed watch: what happened meanwhile, then the record as of the last of it,
 * which alone knows the progress.
 */
export function applyReplay(view: JobView, job: Job, events: readonly JobEvent[]): JobView {
  if (view.job.epoch !== job.epoch) return replaceJob(view, job)
  return replaceJob(applyEvents(view, events).view, job)
}

/** Puts fetched rows into their places, unless another attempt has begun meanwhile. */
export function putRows(
  view: JobView,
  page: { attempt: number; from: number; rows: readonly Row[] },
): JobView {
  if (page.attempt !== view.job.attempt || page.rows.length === 0) return view
  const rows = view.rows.slice()
  put(
    rows,
    page.from,
    page.rows.map((row, i) => ({ ...row, ...view.patches.get(page.from + i) })),
  )
  return { ...view, rows }
}

/** A message that comes after the start is dropped. */
export function putWaiting(view: JobView, waiting: Waiting): JobView {
  return view.job.state === 'new' ? { ...view, waiting } : view
}

export function putTimeline(view: JobView, entries: readonly TimelineEntry[]): JobView {
  return { ...view, timeline: mergeTimeline(view.timeline, entries) }
}

/** Whether the timeline lacks its beginning, the event by which the job was created. */
export function lacksTimeline({ timeline }: JobView): boolean {
  return timeline[0]?.seq !== 1
}

/** The first rows that the job has and the view lacks: from `from`, up to but without `to`. */
export function firstHole({
  job,
  rows,
}: Pick<JobView, 'job' | 'rows'>): { from: number; to: number } | null {
  let from = 0
  while (from < job.rowCount && rows[from] !== undefined) from++
  if (from >= job.rowCount) return null
  let to = from + 1
  while (to < job.rowCount && rows[to] === undefined) to++
  return { from, to }
}

function withArrivedRows(
  view: JobView,
  own: (Row | undefined)[],
  { from, rows }: RowsEvent,
): JobView {
  put(own, from, rows)
  const rowCount = Math.max(view.job.rowCount, from + rows.length)
  return { ...view, job: { ...view.job, rowCount }, rows: own, freshFrom: from }
}

/** Each change holds all changed cells of its row, so it takes the place of an earlier one. */
function withChangedRows(view: JobView, own: (Row | undefined)[], { rows }: PatchEvent): JobView {
  const patches = new Map(view.patches)
  for (const [index, cells] of rows) {
    patches.set(index, cells)
    const row = own[index]
    if (row) own[index] = { ...row, ...cells }
  }
  return { ...view, job: { ...view.job, patched: true }, rows: own, patches }
}

function withState(view: JobView, event: StateEvent): JobView {
  const { job } = view
  const newAttempt = event.state === 'running' && event.attempt > job.attempt
  const waiting = event.state === 'new' ? view.waiting : null
  const moved: JobView = { ...view, job: movedJob(job, event), waiting }
  return newAttempt ? { ...moved, rows: [], patches: new Map(), freshFrom: null } : moved
}

/** The record after a state event. A job's start is that of its first attempt. */
function movedJob(job: Job, { state, attempt, message, at }: StateEvent): Job {
  const startedAt = job.startedAt ?? at
  switch (state) {
    case 'new':
      return { ...job, state, message: null, startedAt: null, finishedAt: null }
    case 'running':
      return attempt > job.attempt
        ? {
            ...job,
            state,
            attempt,
            message: null,
            startedAt,
            finishedAt: null,
            progress: null,
            rowCount: 0,
            patched: undefined,
          }
        : { ...job, state, message: null, startedAt, finishedAt: null }
    case 'complete':
      return { ...job, state, message: message ?? null, startedAt, finishedAt: at }
    case 'error':
    case 'cancelled':
      return { ...job, state, message: message ?? '', finishedAt: at }
  }
}

function put(rows: (Row | undefined)[], from: number, arrived: readonly Row[]): void {
  arrived.forEach((row, i) => {
    rows[from + i] = row
  })
}

function mergeTimeline(
  held: readonly TimelineEntry[],
  arrived: readonly TimelineEntry[],
): readonly TimelineEntry[] {
  const bySeq = new Map(held.map((entry) => [entry.seq, entry]))
  for (const entry of arrived) bySeq.set(entry.seq, entry)
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq)
}
