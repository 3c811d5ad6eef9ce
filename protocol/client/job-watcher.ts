import type { JobEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { RowsPage } from '#jobs/rows-page.ts'
import { Timeline } from '../answers.ts'
import {
  EventsFrame,
  jobEventOf,
  ResyncFrame,
  RevokedFrame,
  WaitingFrame,
  WatchAck,
  type WatchAnswer,
  watchLimits,
} from '../frames.ts'
import type { CallApi } from './call-api.ts'
import {
  applyEvents,
  applyReplay,
  firstHole,
  type JobView,
  lacksTimeline,
  putRows,
  putTimeline,
  putWaiting,
  replaceJob,
} from './job-view.ts'
import type { LiveConnection } from './live-connection.ts'

/** A job as a watcher sees it; `'gone'`: deleted, or no longer visible to this account. */
export type Watched = JobView | 'gone'

interface Watch {
  view: Watched
  onView(view: Watched): void
  /** The rows and timeline being fetched. */
  fetching: AbortController | null
}

const rowsPerFetch = 1_000

/**
 * Follows any number of jobs over one connection, each from a first view to its end: watches them
 * on every connection from the position it has, applies events in order, takes snapshots and
 * resyncs over, and fetches the rows that they leave out.
 */
export class JobWatcher {
  readonly #connection: LiveConnection
  readonly #callApi: CallApi
  readonly #watches = new Map<string, Watch>()
  /** Jobs added in this turn of the event loop: one message asks for all of them. */
  readonly #added = new Set<string>()
  #listening = false

  constructor(connection: LiveConnection, callApi: CallApi) {
    this.#connection = connection
    this.#callApi = callApi
  }

  /**
   * Follows a job. One watch per job: another for the same id takes its place.
   * @param from what is known of the job so far; `viewOf(job)` will do
   * @param onView gets each later view
   * @returns how to stop
   */
  watch(from: JobView, onView: (view: Watched) => void): () => void {
    const { id } = from.job
    const watch: Watch = { view: from, onView, fetching: null }
    this.#watches.set(id, watch)
    if (this.#listening) this.#watchSoon(id)
    else this.#listen()
    return () => {
      watch.fetching?.abort()
      if (this.#watches.get(id) !== watch) return
      this.#watches.delete(id)
      this.#connection.tell('unwatch', { jobs: [id] })
    }
  }

  /** Takes over a job that the API has just answered with, unless a newer one is held. */
  take(job: Job): void {
    const view = this.#watches.get(job.id)?.view
    if (!view || view === 'gone') return
    if (view.job.epoch === job.epoch && job.seq <= view.job.seq) return
    this.#change(job.id, (view) => replaceJob(view, job))
    this.#connection.catchUpNow(() => this.#fetchMissing(job.id))
  }

  /** Asks whether ended jobs still exist. Call it when a hidden page becomes visible again. */
  checkEnded(): void {
    const ended = [...this.#watches.keys()].filter((id) => {
      const view = this.#watches.get(id)?.view
      return view !== undefined && view !== 'gone' && !isLive(view.job.state)
    })
    if (ended.length > 0) this.#connection.catchUpNow(() => this.#rewatch(ended))
  }

  #listen(): void {
    this.#listening = true
    this.#connection.onFrame('events', (frame) => this.#takeEvents(frame))
    this.#connection.onFrame('resync', (frame) => {
      const { id, job } = ResyncFrame.parse(frame)
      this.#change(id, (view) => replaceJob(view, job))
      this.#connection.catchUpNow(() => this.#fetchMissing(id))
    })
    this.#connection.onFrame('waiting', (frame) => {
      const { id, ...waiting } = WaitingFrame.parse(frame)
      this.#change(id, (view) => putWaiting(view, waiting))
    })
    this.#connection.onFrame('revoked', (frame) => {
      const { id } = RevokedFrame.parse(frame)
      if (id !== undefined) this.#show(id, 'gone')
    })
    this.#connection.onConnected(() => this.#rewatch([...this.#watches.keys()]))
  }

  #watchSoon(id: string): void {
    this.#added.add(id)
    if (this.#added.size > 1) return
    queueMicrotask(() => {
      const due = [...this.#added]
      this.#added.clear()
      this.#connection.catchUpNow(() => this.#rewatch(due))
    })
  }

  #takeEvents(frame: unknown): void {
    const byJob = new Map<string, JobEvent[]>()
    for (const [id, ...event] of EventsFrame.parse(frame)) {
      const events = byJob.get(id)
      if (events) events.push(jobEventOf(event))
      else byJob.set(id, [jobEventOf(event)])
    }
    for (const [id, events] of byJob) {
      const held = this.#watches.get(id)?.view
      if (!held || held === 'gone') continue
      const { view, gap } = applyEvents(held, events)
      this.#show(id, view)
      if (gap) this.#connection.catchUpNow(() => this.#rewatch([id]))
    }
  }

  /** Watches jobs, each from the position it has. Settles when all have what they lacked. */
  async #rewatch(ids: readonly string[]): Promise<void> {
    for (let i = 0; i < ids.length; i += watchLimits.jobsPerWatch) {
      const jobs = ids.slice(i, i + watchLimits.jobsPerWatch).flatMap((id) => {
        const view = this.#watches.get(id)?.view
        if (!view || view === 'gone') return []
        return [{ id, since: { epoch: view.job.epoch, seq: view.job.seq } }]
      })
      const answers = WatchAck.parse(await this.#connection.ask('watch', { jobs, patches: true }))
      if ('error' in answers) throw new Error(answers.error.message)
      await Promise.all(answers.map((answer) => this.#takeAnswer(answer)))
    }
  }

  async #takeAnswer(answer: WatchAnswer): Promise<void> {
    if ('error' in answer) {
      if (answer.error.code !== 'not_found') throw new Error(answer.error.message)
      return this.#show(answer.id, 'gone')
    }
    if (answer.mode === 'replay') {
      const events = answer.events.map(jobEventOf)
      this.#change(answer.id, (view) => applyReplay(view, answer.job, events))
    } else this.#change(answer.id, (view) => replaceJob(view, answer.job))
    await this.#fetchMissing(answer.id, answer.mode === 'snapshot')
  }

  /**
   * Fetches the rows that a view lacks, and its timeline. A fetch under way is for an older view:
   * it stops.
   * @throws when the server doesn't answer; the catch-up runs again
   */
  async #fetchMissing(id: string, timelineMoved = true): Promise<void> {
    const watch = this.#watches.get(id)
    if (!watch || watch.view === 'gone') return
    const timelineToo = timelineMoved || lacksTimeline(watch.view)
    watch.fetching?.abort()
    const fetching = new AbortController()
    watch.fetching = fetching
    const { signal } = fetching
    try {
      await Promise.all([
        timelineToo ? this.#fetchTimeline(id, signal) : null,
        this.#fetchRows(id, signal),
      ])
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #fetchTimeline(id: string, signal: AbortSignal): Promise<void> {
    const { events } = await this.#callApi(`/jobs/${id}/timeline`, Timeline, { signal })
    this.#change(id, (view) => putTimeline(view, events))
  }

  async #fetchRows(id: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const view = this.#watches.get(id)?.view
      const hole = view && view !== 'gone' && firstHole(view)
      if (!hole || signal.aborted) return
      const limit = Math.min(hole.to - hole.from, rowsPerFetch)
      const path = `/jobs/${id}/rows?from=${hole.from}&limit=${limit}`
      const page = await this.#callApi(path, RowsPage, { signal })
      // A new attempt has begun: its first event says what to show.
      if (page.rows.length === 0 || page.attempt !== view.job.attempt) return
      this.#change(id, (current) => putRows(current, page))
    }
  }

  #change(id: string, to: (view: JobView) => JobView): void {
    const view = this.#watches.get(id)?.view
    if (view && view !== 'gone') this.#show(id, to(view))
  }

  #show(id: string, view: Watched): void {
    const watch = this.#watches.get(id)
    if (!watch || watch.view === view) return
    watch.view = view
    watch.onView(view)
  }
}
