import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { jobStates } from '#jobs/job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import type { JobStore } from '#jobs/redis/store.ts'

export interface MetricsDeps {
  store: JobStore
  sockets(): number
  watchedJobs(): number
}

/** What `/metrics` shows: this process, and how many jobs there are in each state. */
export function createMetrics({ store, sockets, watchedJobs }: MetricsDeps) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('searchlight_sockets', 'Sockets that are connected to this server', sockets)
  gauge('searchlight_watched_jobs', 'Jobs that are watched on this server', watchedJobs)
  new Gauge({
    name: 'searchlight_jobs',
    help: 'Jobs by state; ended ones since the beginning, deleted ones apart',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const counts = await countJobs(store)
      for (const state of jobStates) this.set({ state }, counts[state])
    },
  })
  return async () => ({ contentType: registry.contentType, text: await registry.metrics() })
}
