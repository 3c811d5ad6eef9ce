import { z } from 'zod'
import type { Job } from '#jobs/job.ts'
import { apiAt } from '#protocol/client/call-api.ts'
import type { JobView } from '#protocol/client/job-view.ts'
import { JobWatcher, type Watched } from '#protocol/client/job-watcher.ts'
import { liveConnection } from './connection.ts'
import { createStore, type Store } from './store.ts'
import { whileUsed } from './while-used.ts'

interface Entry {
  store: Store<Watched>
  /** Keeps the job watched; what it returns ends that. */
  use(): () => void
}

const callApi = apiAt()
const entries = new Map<string, Entry>()
/** Jobs that this page is deleting: it goes elsewhere by itself. */
const beingDeleted = new Set<string>()

let watcher: JobWatcher | null = null
function jobWatcher(): JobWatcher {
  if (watcher) return watcher
  const made = new JobWatcher(liveConnection(), callApi)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') made.checkEnded()
  })
  watcher = made
  return made
}

/**
 * Watches a job for a listener. `initial` counts unless something newer is held.
 * @returns how to stop
 */
export function watchJob(initial: JobView, listener: () => void): () => void {
  const { id } = initial.job
  const entry = entries.get(id) ?? entryFor(initial)
  const unsubscribe = entry.store.subscribe(listener)
  const release = entry.use()
  return () => {
    unsubscribe()
    release()
  }
}

/** The latest view of a job; null when no component watches it. */
export function heldJob(id: string): Watched | null {
  return entries.get(id)?.store.read() ?? null
}

/** Takes over a job that the API has just answered with, unless a newer one is held. */
export function takeJob(job: Job): void {
  if (entries.has(job.id)) jobWatcher().take(job)
}

/** Deletes a job for its own page, which leaves then and doesn't show it as gone meanwhile. */
export async function deleteJob(id: string): Promise<void> {
  beingDeleted.add(id)
  try {
    await callApi(`/jobs/${id}`, z.null(), { method: 'DELETE' })
  } catch (error) {
    beingDeleted.delete(id)
    throw error
  }
}

function entryFor(initial: JobView): Entry {
  const { id } = initial.job
  const store = createStore<Watched>(initial)
  let unwatch = () => {}
  const entry: Entry = {
    store,
    use: whileUsed(
      () => {
        entries.set(id, entry)
        unwatch = jobWatcher().watch(initial, (view) => show(id, store, view))
      },
      () => {
        entries.delete(id)
        unwatch()
      },
    ),
  }
  return entry
}

function show(id: string, store: Store<Watched>, view: Watched): void {
  const held = store.read()
  if (view === 'gone') {
    if (!beingDeleted.has(id)) store.set(view)
    return
  }
  // Rows may come faster than a screen can show them. In a hidden tab timers are slow, but the
  // title has to be true.
  const sameState = held !== 'gone' && held.job.state === view.job.state
  if (sameState && document.visibilityState === 'visible') store.setSoon(view)
  else store.set(view)
}
