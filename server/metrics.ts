import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { jobStates } from '#jobs/job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import type { JobStore } from '#jobs/redis/store.ts'

export interface MetricsDeps {
  store: JobStore
  sockets(): number
  watchedJobs(): number
}

/** The content of `/metrics`: metrics of this process, and the number of jobs in each state. */
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
  gauge('searchlight_sockets', 'Sockets connected to this server', sockets)
  gauge('searchlight_watched_jobs', 'Jobs watched on this server', watchedJobs)
  new Gauge({
    name: 'searchlight_jobs',
    help: 'Jobs by state; ended states count all jobs ever, except deleted ones',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const counts = await countJobs(store)
      for (const state of jobStates) this.set({ state }, counts[state])
    },
  })
  return async () => ({ contentType: registry.contentType, text: await registry.metrics() })
}
